"""The buttons of a signed-in visitor: what they ask, what they show, and how they fail."""

import pytest

from tests.demo.conftest import Visitor
from tests.support.fake_provider import FakeProvider, Lies


async def test_every_claim_is_shown_and_explained(signed_in: Visitor) -> None:
    page = await signed_in.open("/")

    shown = page.texts["id-token"]
    for claim in ("iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash"):
        assert claim in shown
    assert "Who made this token" in shown
    assert "at+jwt" in page.texts["access-token"]
    assert (
        "Expires in 4 minutes 59 seconds" in " ".join(page.texts["expiry"].split())
        or "5 minutes" in page.texts["expiry"]
    )


async def test_the_refresh_token_is_shown_only_by_its_ends(signed_in: Visitor, provider: FakeProvider) -> None:
    await signed_in.open("/")

    assert provider._refresh_token not in signed_in.response.text
    assert provider._refresh_token[:6] + "…" in signed_in.response.text


async def test_a_refresh_shows_what_changed(signed_in: Visitor, provider: FakeProvider) -> None:
    """RFC 6749 §6."""
    before = provider._refresh_token

    page = await signed_in.press("/refresh")

    assert provider.asked("/token")["refresh_token"] == before
    changes = page.texts["answer-changes"]
    assert before[:6] in changes
    assert provider._refresh_token[:6] in changes
    assert "Rotated" in changes


async def test_a_refresh_asks_for_no_more_than_was_granted(visitor: Visitor, provider: FakeProvider) -> None:
    """RFC 6749 §6: more than the granted scope would be an error."""
    provider.lies = Lies(tokens={"scope": "openid profile"})
    await visitor.press("/login")

    await visitor.press("/refresh")

    assert provider.asked("/token")["scope"] == "openid profile"


async def test_a_refresh_that_does_not_rotate_keeps_the_token(signed_in: Visitor, provider: FakeProvider) -> None:
    provider.lies = Lies(tokens={"refresh_token": None})

    page = await signed_in.press("/refresh")

    assert "did not rotate" in page.texts["answer-changes"]


async def test_refreshed_tokens_of_somebody_else_are_refused(signed_in: Visitor, provider: FakeProvider) -> None:
    """OIDC Core §12.2: the subject must be the same."""
    provider.lies = Lies(id_token={"sub": "somebody else"})

    page = await signed_in.press("/refresh")

    assert page.texts["error-code"] == "wrong_subject"


async def test_a_spent_refresh_token_is_explained(signed_in: Visitor, provider: FakeProvider) -> None:
    provider._refresh_token = "replaced behind our back"

    page = await signed_in.press("/refresh")

    assert page.texts["error-code"] == "invalid_grant"


async def test_userinfo_is_shown_as_it_came(signed_in: Visitor, provider: FakeProvider) -> None:
    provider.person["name"] = "<script>alert('Ada')</script>"

    page = await signed_in.press("/userinfo")

    assert "<script>alert('Ada')</script>" in page.texts["answer-document"]
    assert "<script" not in signed_in.response.text


async def test_userinfo_about_somebody_else_is_thrown_away(signed_in: Visitor, provider: FakeProvider) -> None:
    """OIDC Core §5.3.2."""
    provider.lies = Lies(userinfo={"sub": "somebody else", "name": "Mallory"})

    page = await signed_in.press("/userinfo")

    assert page.texts["error-code"] == "wrong_subject"
    assert "Mallory" not in (await signed_in.open("/")).texts["name"]


async def test_introspection_is_shown(signed_in: Visitor, provider: FakeProvider) -> None:
    """RFC 7662 §2."""
    page = await signed_in.press("/introspect")

    assert provider.asked("/introspect")["token"].count(".") == 2
    assert '"active": true' in page.texts["answer-document"]


async def test_an_opaque_access_token_is_called_so(visitor: Visitor, provider: FakeProvider) -> None:
    provider.lies = Lies(tokens={"access_token": "opaque-" + "x" * 40}, id_token={"at_hash": None})

    page = await visitor.press("/login")

    assert "opaque" in page.texts["access-token"]
    assert "x" * 40 not in visitor.response.text


async def test_without_a_refresh_token_there_is_no_refresh_button(visitor: Visitor, provider: FakeProvider) -> None:
    provider.lies = Lies(tokens={"refresh_token": None})

    page = await visitor.press("/login")

    assert "refresh" not in page.attributes
    assert (await visitor.press("/refresh")).texts["error-code"] == "invalid_grant"


@pytest.mark.parametrize("button", ["/refresh", "/userinfo", "/introspect"])
async def test_a_button_of_somebody_not_signed_in_says_so(visitor: Visitor, button: str) -> None:
    page = await visitor.press(button)

    assert visitor.response.status_code == 401
    assert page.texts["error-code"] == "nobody_signed_in"


@pytest.mark.parametrize("button", ["/refresh", "/userinfo", "/introspect", "/logout"])
@pytest.mark.parametrize("header", [{"Sec_Fetch_Site": "same-site"}, {"Origin": "http://localhost:9"}])
async def test_a_form_of_another_site_does_nothing(signed_in: Visitor, button: str, header: dict[str, str]) -> None:
    page = await signed_in.press(button, **header)

    assert signed_in.response.status_code == 403
    assert page.texts["error-code"] == "foreign_form"
    assert (await signed_in.open("/")).data_page == "signed-in"

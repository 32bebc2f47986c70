"""Money is sent only by somebody who proved enough, lately; what the bank asks for is asked of the provider."""

import time

import httpx2
import pytest

from tests.demo.conftest import Visitor
from tests.support.fake_provider import FakeProvider, Lies


async def submit(visitor: Visitor, path: str, **form: str) -> None:
    own = {"Origin": visitor.base_url, "Sec-Fetch-Site": "same-origin"}
    visitor._show(await visitor.http.post(visitor.base_url + path, data=form, headers=own))


async def test_nobody_sends_money_without_signing_in(visitor: Visitor) -> None:
    await submit(visitor, "/transfer", to="Bob", amount="5")

    assert visitor.response.status_code == 401


async def test_a_password_alone_is_not_enough(signed_in: Visitor) -> None:
    """RFC 9470 §3: the page shows the bank's challenge."""
    await submit(signed_in, "/transfer", to="Bob", amount="5")

    assert "Nothing was sent yet" in signed_in.response.text
    challenge = signed_in.response.text
    assert "insufficient_user_authentication" in challenge
    assert "urn:idp:loa:1v" in challenge
    assert "max_age=300" in challenge


async def test_what_the_bank_asks_for_is_asked_of_the_provider(signed_in: Visitor, provider: FakeProvider) -> None:
    """RFC 9470 §4."""
    await submit(signed_in, "/transfer", to="Bob", amount="5")

    asked = {"acr_values": "urn:idp:loa:1v", "max_age": "300", "target_link_uri": f"{signed_in.base_url}/transfer"}
    await submit(signed_in, "/login", **asked)

    assert provider.asked("/authorize")["acr_values"] == "urn:idp:loa:1v"
    assert provider.asked("/authorize")["max_age"] == "300"
    assert signed_in.response.url.path == "/transfer"
    assert "5.00" in signed_in.response.text


async def test_coming_back_sends_nothing_until_a_button_is_pressed(signed_in: Visitor) -> None:
    await submit(signed_in, "/transfer", to="Bob", amount="5")
    await submit(signed_in, "/login", acr_values="urn:idp:loa:1v", target_link_uri=f"{signed_in.base_url}/transfer")
    assert "Nothing was sent yet" in signed_in.response.text

    await submit(signed_in, "/transfer")

    assert "5.00 € were sent to Bob" in signed_in.response.text
    page = await signed_in.open("/transfer")
    assert page.data_page == "signed-in"  # it waits no longer


async def test_an_old_sign_in_is_not_enough(visitor: Visitor, provider: FakeProvider) -> None:
    provider.lies = Lies(access_token={"acr": "urn:idp:loa:1v", "auth_time": int(time.time()) - 400})
    await visitor.press("/login")

    await submit(visitor, "/transfer", to="Bob", amount="5")

    assert "a more recent sign-in is needed" in visitor.response.text


async def test_a_transfer_does_not_wait_for_somebody_else(signed_in: Visitor, provider: FakeProvider) -> None:
    await submit(signed_in, "/transfer", to="Bob", amount="5")
    provider.person = {"sub": "another", "name": "Eve"}

    await submit(signed_in, "/login", target_link_uri=f"{signed_in.base_url}/transfer")

    assert signed_in.response.url.path == "/"


async def test_a_token_of_somebody_else_is_refused_in_words(visitor: Visitor, provider: FakeProvider) -> None:
    provider.lies = Lies(access_token={"aud": "https://other.example"})
    await visitor.press("/login")

    await submit(visitor, "/transfer", to="Bob", amount="5")

    assert visitor.response.status_code == 400
    assert "access token is no longer good" in visitor.response.text


@pytest.mark.parametrize("amount", ["", "0", "-5", "NaN", "Infinity", "1e9", "0.001", "ten", "10000.01"])
async def test_an_amount_is_a_number_in_bounds(signed_in: Visitor, amount: str) -> None:
    await submit(signed_in, "/transfer", to="Bob", amount=amount)

    assert signed_in.response.status_code == 400
    assert "That is no transfer" in signed_in.response.text


@pytest.mark.parametrize("to", ["", "   ", "x" * 81])
async def test_money_needs_somebody_to_go_to(signed_in: Visitor, to: str) -> None:
    await submit(signed_in, "/transfer", to=to, amount="5")

    assert signed_in.response.status_code == 400


async def test_a_name_is_shown_as_text(signed_in: Visitor) -> None:
    await submit(signed_in, "/transfer", to="<script>alert(1)</script>", amount="5")

    assert "<script>" not in signed_in.response.text


async def test_another_site_sends_nothing(signed_in: Visitor) -> None:
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    answer = await signed_in.http.post(
        f"{signed_in.base_url}/transfer", data={"to": "Eve", "amount": "5"}, headers=foreign
    )

    assert answer.status_code == 403


async def test_the_bank_tells_who_signs_its_tokens(visitor: Visitor, provider: FakeProvider) -> None:
    """RFC 9728 §3."""
    async with httpx2.AsyncClient(trust_env=False) as http:
        document = (await http.get(f"{visitor.base_url}/.well-known/oauth-protected-resource/api/transfers")).json()

    assert document["resource"] == f"{visitor.base_url}/api/transfers"
    assert document["authorization_servers"] == [provider.issuer]

"""Refresh token grant – RFC 6749 §6, OIDC Core §11, §12: who may use a token, for what, and what ends it."""

from datetime import timedelta

import pytest

from idp.domain.client import Profile
from idp.domain.user import UserStatus
from tests.support.client_auth import Basic
from tests.support.html_browser import HtmlBrowser
from tests.support.provider import HandClock, Person, Provider
from tests.support.relying_party import Answer, RelyingParty


async def test_a_token_is_bound_to_its_client(provider: Provider, rp: RelyingParty, tokens: Answer) -> None:
    """RFC 6749 §6: another client gets nothing, and nothing dies."""
    stranger = await provider.client()

    assert (await stranger.refresh(tokens.refresh_token)).error == "invalid_grant"
    assert (await rp.refresh(tokens.refresh_token)).status == 200


async def test_without_client_authentication_nothing_happens(rp: RelyingParty, tokens: Answer) -> None:
    """RFC 6749 §6: a confidential client authenticates; a thief does not even spend the token."""
    refused = await rp.post(
        "token_endpoint",
        {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token},
        auth=Basic("wrong"),
    )

    assert (refused.status, refused.error) == (401, "invalid_client")
    assert await rp.is_active(tokens.refresh_token)


@pytest.mark.parametrize(
    ("token", "error"),
    [
        (None, "invalid_request"), ("", "invalid_request"), ("x", "invalid_grant"), ("x" * 86, "invalid_grant"),
        ("A" * 86, "invalid_grant"), ("ä" * 86, "invalid_grant"), ("\0" * 86, "invalid_grant"),
    ],
)  # fmt: skip
async def test_a_token_that_nobody_issued_is_refused(rp: RelyingParty, token: str | None, error: str) -> None:
    """RFC 6749 §5.2."""
    refused = await rp.token(grant_type="refresh_token", refresh_token=token)

    assert (refused.status, refused.error) == (400, error)


async def test_kinds_of_tokens_never_cross(rp: RelyingParty, browser: HtmlBrowser, tokens: Answer) -> None:
    """RFC 8725 §3.11."""
    for other in (tokens.access_token, tokens.id_token, await browser.authorize(rp)):
        assert (await rp.refresh(other)).error == "invalid_grant"


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("openid", "openid"),
        ("email openid", "openid email"),
        (None, "openid profile email offline_access"),
        ("", "openid profile email offline_access"),
    ],
)
async def test_scope_narrows_one_answer_and_never_the_family(
    rp: RelyingParty, tokens: Answer, asked: str | None, granted: str
) -> None:
    """RFC 6749 §6."""
    narrowed = await rp.refresh(tokens.refresh_token, scope=asked)
    after = await rp.refresh(narrowed.refresh_token)

    assert narrowed.body["scope"] == granted
    assert after.body["scope"] == tokens.body["scope"]


@pytest.mark.parametrize("scope", ["openid phone", "unknown", "openid profile email offline_access address"])
async def test_scope_never_widens(rp: RelyingParty, tokens: Answer, scope: str) -> None:
    """RFC 6749 §6: invalid_scope, and the token is not spent."""
    refused = await rp.refresh(tokens.refresh_token, scope=scope)

    assert (refused.status, refused.error) == (400, "invalid_scope")
    assert await rp.is_active(tokens.refresh_token)


async def test_scopes_the_client_lost_are_gone(provider: Provider, rp: RelyingParty, tokens: Answer) -> None:
    """RFC 6749 §6: what the client may have is asked anew at every use."""
    client = await provider.registration(rp)
    await provider.site.clients.update(client, {"scope": "openid profile offline_access"})
    await provider.settle()

    fresh = await rp.refresh(tokens.refresh_token)

    assert fresh.body["scope"] == "openid profile offline_access"
    assert "email" not in (await rp.userinfo(fresh.access_token)).body


async def test_the_id_token_tells_the_old_login(rp: RelyingParty, tokens: Answer, clock: HandClock) -> None:
    """OIDC Core §12.2: same iss, sub, aud, azp, auth_time, acr; new iat; no nonce."""
    before = (await rp.decode(tokens.id_token)).claims
    clock.advance(timedelta(days=1))

    fresh = await rp.refresh(tokens.refresh_token)

    after = await rp.check_id_token(fresh)
    for name in ("iss", "sub", "aud", "azp", "auth_time", "acr", "amr", "sid"):
        assert after[name] == before[name], name
    assert after["iat"] == before["iat"] + 24 * 3600
    assert "nonce" not in after


async def test_without_openid_there_is_no_id_token(rp: RelyingParty, tokens: Answer) -> None:
    """OIDC Core §12.2, §3.1.2.1."""
    assert "id_token" not in (await rp.refresh(tokens.refresh_token, scope="email")).body


async def test_an_offline_token_outlives_the_sign_out(rp: RelyingParty, browser: HtmlBrowser, tokens: Answer) -> None:
    """OIDC Core §11."""
    await browser.open(f"{rp.issuer}/end_session")
    await browser.submit("logout-yes")

    assert (await rp.refresh(tokens.refresh_token)).status == 200


async def test_an_online_token_ends_with_the_session(provider: Provider, browser: HtmlBrowser) -> None:
    """OIDC Core §11: without offline_access the person must be present."""
    rp = await provider.client(scope="openid email")
    tokens = await rp.redeem(await browser.authorize(rp))
    fresh = await rp.refresh(tokens.refresh_token)
    await browser.open(f"{rp.issuer}/end_session")
    await browser.submit("logout-yes")

    assert fresh.status == 200
    assert (await rp.refresh(fresh.refresh_token)).error == "invalid_grant"
    assert not await rp.is_active(fresh.access_token)


async def test_profile_oidc_wants_offline_access(provider: Provider, browser: HtmlBrowser) -> None:
    """OIDC Core §11."""
    rp = await provider.client(profile=Profile.OIDC)

    without = await rp.redeem(await browser.authorize(rp, scope="openid email"))
    with_it = await rp.redeem(await browser.authorize(rp, scope="openid offline_access"))

    assert "refresh_token" not in without.body
    assert "refresh_token" in with_it.body


async def test_only_clients_registered_for_it_get_one(provider: Provider, browser: HtmlBrowser) -> None:
    """RFC 7591 §2: grant_types; offline_access is then dropped, and the answer tells."""
    rp = await provider.client(grant_types=["authorization_code"])

    tokens = await rp.redeem(await browser.authorize(rp))

    assert "refresh_token" not in tokens.body
    assert tokens.body["scope"] == "openid profile email"
    assert (await rp.refresh("x" * 86)).error == "unauthorized_client"


async def test_a_disabled_person_ends_it(provider: Provider, person: Person, rp: RelyingParty, tokens: Answer) -> None:
    """RFC 9700 §4.14.2: the person is asked for anew at every use."""
    await provider.site.users.set_status(person.user, UserStatus.DISABLED)

    assert (await rp.refresh(tokens.refresh_token)).error == "invalid_grant"


async def test_a_new_password_ends_it(provider: Provider, person: Person, rp: RelyingParty, tokens: Answer) -> None:
    """RFC 9700 §4.14.2: security events end refresh tokens."""
    await provider.site.users.set_password(person.user, "another engine of numbers")

    assert (await rp.refresh(tokens.refresh_token)).error == "invalid_grant"


async def test_a_disabled_client_ends_it(provider: Provider, rp: RelyingParty, tokens: Answer) -> None:
    """RFC 6749 §5.2: it is no client any more; within a second on all workers."""
    await provider.site.clients.set_active(await provider.registration(rp), is_active=False)
    await provider.settle()

    assert (await rp.refresh(tokens.refresh_token)).error == "invalid_client"

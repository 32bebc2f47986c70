"""Token introspection – RFC 7662."""

import asyncio
import sqlite3
from datetime import timedelta

import pytest
from joserfc.jwk import ECKey
from sqlalchemy import make_url

from idp.domain.user import UserStatus
from tests.support.html_browser import HtmlBrowser
from tests.support.provider import HandClock, Person, Provider
from tests.support.relying_party import Answer, RelyingParty

INACTIVE = {"active": False}
ACCESS_TOKEN_LIFE = timedelta(minutes=5)
SECOND = timedelta(seconds=1)
KEY = ECKey.generate_key("P-256", {"kid": "k1", "alg": "ES256"})


async def test_an_access_token_is_described(person: Person, rp: RelyingParty, tokens: Answer) -> None:
    """RFC 7662 §2.2; RFC 9470 §6.2 for acr and auth_time."""
    claims = (await rp.decode(tokens.access_token)).claims

    answer = await rp.introspect(tokens.access_token)

    assert answer.body == {
        "active": True,
        "scope": rp.scope,
        "client_id": rp.client_id,
        "sub": person.id,
        "aud": rp.issuer,
        "iss": rp.issuer,
        "token_type": "Bearer",
        "exp": claims["exp"],
        "iat": claims["iat"],
        "jti": claims["jti"],
        "acr": "urn:idp:loa:1",
        "amr": ["pwd"],
        "auth_time": claims["auth_time"],
    }
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")


async def test_a_refresh_token_is_described_to_its_client(rp: RelyingParty, tokens: Answer, clock: HandClock) -> None:
    """RFC 7662 §2.2."""
    answer = await rp.introspect(tokens.refresh_token)

    assert answer.body["active"] is True
    assert answer.body["scope"] == rp.scope
    assert answer.body["exp"] == int((clock.now() + timedelta(days=14)).timestamp())


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense", ""])
async def test_a_hint_changes_nothing(rp: RelyingParty, tokens: Answer, hint: str) -> None:
    """RFC 7662 §2.1: the server may ignore it."""
    for token in (tokens.access_token, tokens.refresh_token):
        assert (await rp.introspect(token, token_type_hint=hint)).body == (await rp.introspect(token)).body


async def test_a_stranger_learns_nothing(provider: Provider, tokens: Answer) -> None:
    """RFC 7662 §2.2, §4: another client's token is inactive, and no more is said."""
    stranger = await provider.client()

    for token in (tokens.access_token, tokens.refresh_token):
        assert (await stranger.introspect(token)).body == INACTIVE


async def test_a_resource_server_sees_tokens_for_its_audience(provider: Provider, tokens: Answer) -> None:
    """RFC 7662 §4: the audience decides; refresh tokens are never for resource servers."""
    api = await provider.client(audiences=[provider.issuer])
    other_api = await provider.client(audiences=["https://other.example"])

    assert (await api.introspect(tokens.access_token)).body["active"] is True
    assert (await api.introspect(tokens.refresh_token)).body == INACTIVE
    assert (await other_api.introspect(tokens.access_token)).body == INACTIVE


async def test_no_personal_data_is_told(provider: Provider, tokens: Answer) -> None:
    """RFC 7662 §5: a resource server gets what it needs to decide, not who somebody is."""
    api = await provider.client(audiences=[provider.issuer])

    told = (await api.introspect(tokens.access_token)).body

    assert not told.keys() & {"username", "name", "email", "sid"}


@pytest.mark.parametrize(
    "token", ["x", "x" * 43, "x" * 86, "a.b.c", "ä", "\0", "x" * 60_000, "eyJhbGciOiJub25lIn0.e30.", "{}"]
)
async def test_what_is_no_token_is_inactive(rp: RelyingParty, token: str) -> None:
    """RFC 7662 §2.2: not an error."""
    answer = await rp.introspect(token)

    assert (answer.status, answer.body) == (200, INACTIVE)


async def test_id_tokens_and_codes_are_inactive(rp: RelyingParty, browser: HtmlBrowser, tokens: Answer) -> None:
    """RFC 8725 §3.11: kinds never cross."""
    code = await browser.authorize(rp)

    assert (await rp.introspect(tokens.id_token)).body == INACTIVE
    assert (await rp.introspect(code)).body == INACTIVE


@pytest.mark.parametrize("token_format", ["jwt", "opaque"])
async def test_an_access_token_is_active_until_its_last_second(
    provider: Provider, browser: HtmlBrowser, token_format: str
) -> None:
    """RFC 7662 §2.2: exp decides, on both sides of the moment."""
    rp = await provider.client(access_token_format=token_format)
    tokens = await rp.redeem(await browser.authorize(rp))
    expires_at = (await rp.introspect(tokens.access_token)).body["exp"]
    provider.clock.advance(timedelta(seconds=expires_at - provider.clock.timestamp()) - timedelta(milliseconds=1))

    before = await rp.is_active(tokens.access_token)
    provider.clock.advance(SECOND)
    after = await rp.is_active(tokens.access_token)

    assert (before, after) == (True, False)


async def test_a_refresh_token_is_inactive_once_it_was_spent(rp: RelyingParty, tokens: Answer) -> None:
    """RFC 7662 §2.2."""
    fresh = await rp.refresh(tokens.refresh_token)

    assert (await rp.introspect(tokens.refresh_token)).body == INACTIVE
    assert await rp.is_active(fresh.refresh_token)


async def test_a_disabled_persons_tokens_are_inactive(
    provider: Provider, person: Person, rp: RelyingParty, tokens: Answer
) -> None:
    """RFC 7662 §2.2: the JWT still verifies, but nobody stands behind it."""
    await provider.site.users.set_status(person.user, UserStatus.DISABLED)

    assert (await rp.introspect(tokens.access_token)).body == INACTIVE
    assert (await rp.introspect(tokens.refresh_token)).body == INACTIVE


async def test_a_session_that_ended_takes_its_tokens_along(provider: Provider, browser: HtmlBrowser) -> None:
    """RP-Initiated Logout §2; without offline_access nothing outlives the session."""
    rp = await provider.client(scope="openid email")
    tokens = await rp.redeem(await browser.authorize(rp))
    await browser.open(f"{rp.issuer}/end_session")
    await browser.submit("logout-yes")

    assert (await rp.introspect(tokens.access_token)).body == INACTIVE
    assert (await rp.introspect(tokens.refresh_token)).body == INACTIVE


@pytest.mark.parametrize("token", [None, ""])
async def test_a_request_without_a_token_is_refused(rp: RelyingParty, token: str | None) -> None:
    """RFC 7662 §2.1."""
    answer = await rp.post("introspection_endpoint", {"token": token})

    assert (answer.status, answer.error) == (400, "invalid_request")


async def test_a_public_client_may_not_ask(provider: Provider, browser: HtmlBrowser) -> None:
    """RFC 7662 §2.1: callers are authenticated, or tokens could be tried out."""
    public = await provider.client(method="none")
    tokens = await public.redeem(await browser.authorize(public))

    answer = await public.introspect(tokens.access_token)

    assert (answer.status, answer.error) == (401, "invalid_client")


async def test_a_token_is_no_credential_here(rp: RelyingParty, tokens: Answer) -> None:
    """RFC 7662 §2.1: bearer authorization is not offered, so it fails like any wrong credential."""
    response = await rp.http.post(
        f"{rp.issuer}/introspect",
        data={"token": tokens.access_token},
        headers={"Authorization": f"Bearer {tokens.access_token}"},
    )

    assert response.status_code == 401


async def test_many_callers_with_assertions_at_once_are_all_answered(each_provider: Provider) -> None:
    """RFC 7523 §3: each spends a jti, and no two stand in each other's way. On both databases."""
    api = await each_provider.client(method="private_key_jwt", key=KEY)

    answers = await asyncio.gather(*(api.introspect("unknown") for _ in range(20)))

    assert {answer.status for answer in answers} == {200}


async def test_a_caller_with_an_assertion_waits_for_other_writers(provider: Provider) -> None:
    """RFC 7523 §3: the jti is stored, so this is a write; another process that is writing delays it, no more."""
    api = await provider.client(method="private_key_jwt", key=KEY)
    other_process = sqlite3.connect(make_url(provider.site.settings.database_url).database or "", isolation_level=None)
    other_process.execute("BEGIN IMMEDIATE")

    asking = asyncio.create_task(api.introspect("unknown"))
    await asyncio.sleep(0.01)
    other_process.execute("COMMIT")
    other_process.close()

    assert (await asking).status == 200


async def test_introspection_leaves_no_answer_in_a_cache(rp: RelyingParty) -> None:
    """RFC 7662 §4: what is revoked must not live on in a cache."""
    answer = await rp.introspect("unknown")

    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")

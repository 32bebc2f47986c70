"""Bearer tokens at our own resource, userinfo – RFC 6750 §2, §3; OIDC Core §5.3.3."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from idp.domain.user import UserStatus
from tests.support.html_browser import HtmlBrowser
from tests.support.jose import forge, parts
from tests.support.provider import HandClock, Person, Provider
from tests.support.relying_party import Answer, RelyingParty

URL = "/userinfo"
BARE = 'Bearer realm="userinfo", DPoP realm="userinfo", algs="ES256 PS256 EdDSA Ed25519"'


async def get(rp: RelyingParty, authorization: str | None = None, query: str = "") -> Answer:
    """Ask with any Authorization header."""
    headers = {b"Authorization": authorization.encode()} if authorization is not None else {}
    return Answer.of(await rp.http.get(f"{rp.issuer}{URL}{query}", headers=headers))


async def post(rp: RelyingParty, fields: Mapping[str, Any], authorization: str | None = None) -> Answer:
    """Ask with a form."""
    headers = {"Authorization": authorization} if authorization is not None else {}
    return Answer.of(await rp.http.post(f"{rp.issuer}{URL}", data=dict(fields), headers=headers))


def assert_invalid_token(answer: Answer) -> None:
    assert answer.status == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("authorization", [None, "Basic Zm9vOmJhcg==", "Bearer", "Bearer ", "DPoP", "Digest x"])
async def test_without_a_token_the_challenge_is_bare(rp: RelyingParty, authorization: str | None) -> None:
    """RFC 6750 §3.1: no error code for whoever did not try."""
    answer = await get(rp, authorization)

    assert (answer.status, answer.headers["www-authenticate"]) == (401, BARE)


@pytest.mark.parametrize("token", ["x", "x" * 43, "a.b.c", "e30.e30.e30", "x y", "ä", "x" * 10_000])
async def test_a_token_that_is_none_of_ours_is_invalid(rp: RelyingParty, token: str) -> None:
    """RFC 6750 §3.1, invalid_token."""
    assert_invalid_token(await get(rp, f"Bearer {token}"))


async def test_other_tokens_are_no_access_tokens(rp: RelyingParty, browser: HtmlBrowser, tokens: Answer) -> None:
    """RFC 9068 §4, RFC 8725 §3.11: kinds never cross."""
    for other in (tokens.id_token, tokens.refresh_token, await browser.authorize(rp)):
        assert_invalid_token(await get(rp, f"Bearer {other}"))


async def test_a_token_that_was_changed_is_invalid(rp: RelyingParty, tokens: Answer) -> None:
    """RFC 9068 §4: the signature covers everything; none and HMAC sign nothing."""
    header, claims = parts(tokens.access_token)
    head, _, signature = tokens.access_token.split(".")
    body = forge(header, {**claims, "scope": "openid phone"}, b"x", "HS256").split(".")[1]
    forged = [
        f"{head}.{body}.{signature}",
        tokens.access_token[:-2] + ("AA" if not tokens.access_token.endswith("AA") else "BB"),
        forge({**header, "alg": "none"}, claims, None, "none"),
        forge({**header, "alg": "HS256"}, claims, b"x", "HS256"),
    ]

    for token in forged:
        assert_invalid_token(await get(rp, f"Bearer {token}"))


async def test_a_token_in_the_url_does_not_count(rp: RelyingParty, tokens: Answer) -> None:
    """RFC 6750 §5.3, RFC 9700 §2.2.1: it stands in logs and histories."""
    answer = await get(rp, query=f"?access_token={tokens.access_token}")

    assert (answer.status, answer.headers["www-authenticate"]) == (401, BARE)


async def test_two_places_are_refused(rp: RelyingParty, tokens: Answer) -> None:
    """RFC 6750 §2: not more than one method in each request."""
    token = tokens.access_token
    doubled = [
        await post(rp, {"access_token": token}, f"Bearer {token}"),
        await post(rp, {"access_token": [token, token]}),
        await get(rp, f"Bearer {token}", f"?access_token={token}"),
    ]

    assert {(answer.status, answer.error) for answer in doubled} == {(400, "invalid_request")}


async def test_two_headers_are_refused(rp: RelyingParty, tokens: Answer) -> None:
    """RFC 9110 §5.3: Authorization stands once."""
    headers = [("Authorization", f"Bearer {tokens.access_token}"), ("Authorization", "Bearer x")]

    assert (await rp.http.get(f"{rp.issuer}{URL}", headers=headers)).status_code == 401


async def test_a_form_is_a_form(rp: RelyingParty, tokens: Answer) -> None:
    """RFC 6750 §2.2: application/x-www-form-urlencoded only; a GET has none."""
    answer = await rp.http.post(f"{rp.issuer}{URL}", json={"access_token": tokens.access_token})

    assert answer.status_code == 415


async def test_the_scheme_is_read_without_case(rp: RelyingParty, tokens: Answer) -> None:
    """RFC 9110 §11.1."""
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert (await get(rp, f"{scheme} {tokens.access_token}")).status == 200


async def test_a_token_without_openid_has_too_little_scope(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 6750 §3.1: 403, and which scope is missing."""
    tokens = await rp.redeem(await browser.authorize(rp, scope="email"))

    answer = await get(rp, f"Bearer {tokens.access_token}")

    assert (answer.status, answer.error) == (403, "insufficient_scope")
    assert 'scope="openid"' in answer.headers["www-authenticate"]


async def test_a_token_works_until_its_last_moment(rp: RelyingParty, tokens: Answer, clock: HandClock) -> None:
    """RFC 9068 §4: exp, on both sides."""
    expires_at = parts(tokens.access_token)[1]["exp"]
    clock.advance(timedelta(seconds=expires_at - clock.timestamp()) - timedelta(milliseconds=1))
    assert (await get(rp, f"Bearer {tokens.access_token}")).status == 200

    clock.advance(timedelta(milliseconds=1))

    assert_invalid_token(await get(rp, f"Bearer {tokens.access_token}"))


async def test_a_disabled_person_is_told_about_no_more(
    provider: Provider, person: Person, rp: RelyingParty, tokens: Answer
) -> None:
    """OIDC Core §5.3: although the JWT still verifies."""
    await provider.site.users.set_status(person.user, UserStatus.DISABLED)

    assert_invalid_token(await get(rp, f"Bearer {tokens.access_token}"))


async def test_a_disabled_client_is_told_nothing_more(provider: Provider, rp: RelyingParty, tokens: Answer) -> None:
    """OIDC Core §5.3."""
    await provider.site.clients.set_active(await provider.registration(rp), is_active=False)
    await provider.settle()

    assert_invalid_token(await get(rp, f"Bearer {tokens.access_token}"))


async def test_a_session_that_ended_ends_its_tokens(provider: Provider, browser: HtmlBrowser) -> None:
    """RP-Initiated Logout §2: without offline_access."""
    rp = await provider.client(scope="openid email")
    tokens = await rp.redeem(await browser.authorize(rp))
    await browser.open(f"{rp.issuer}/end_session")
    await browser.submit("logout-yes")

    assert_invalid_token(await get(rp, f"Bearer {tokens.access_token}"))


async def test_no_answer_is_kept(rp: RelyingParty, tokens: Answer) -> None:
    """RFC 6750 §5.3: personal data in no cache."""
    answer = await get(rp, f"Bearer {tokens.access_token}")

    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")

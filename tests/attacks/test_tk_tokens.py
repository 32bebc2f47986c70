"""TK16, TK17, TK37–TK40: tokens in each other's place, claims that would overwrite ours, clocks that disagree."""

from datetime import timedelta

import pytest
from joserfc.jwk import ECKey

from idp.domain.user import RESERVED_CLAIMS
from tests.support.attacker import through, tokens_for
from tests.support.client_auth import Assertion
from tests.support.html_browser import HtmlBrowser
from tests.support.provider import SECOND, HandClock, Person
from tests.support.relying_party import Answer, RelyingParty
from tests.support.target import Target


def not_a_token(answer: Answer) -> bool:
    return answer.status == 401 and 'error="invalid_token"' in answer.headers["www-authenticate"]


@pytest.fixture(params=["jwt", "opaque"])
async def client(request: pytest.FixtureRequest, provider: Target) -> RelyingParty:
    """A client with access tokens of either format."""
    return await provider.client(access_token_format=request.param)


async def test_tk16_kinds_of_tokens_never_cross(provider: Target, client: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 8725 §3.11: each token is good at its own door only."""
    unspent = await browser.authorize(client)
    code = await browser.authorize(client)
    tokens = await client.redeem(code)
    kinds = {
        "code": unspent, "access": tokens.access_token, "refresh": tokens.refresh_token, "id": tokens.id_token,
        "session": browser.cookies.get("__Host-idp_session") or "", "client": client.client_id,
    }  # fmt: skip

    for name, text in kinds.items():
        assert not_a_token(await client.userinfo(text)) is (name != "access"), name
        assert await client.is_active(text) is (name in ("access", "refresh")), name
        if name != "refresh":
            assert (await client.refresh(text)).error == "invalid_grant", name
        if name != "code":
            assert (await client.redeem(text)).error == "invalid_grant", name


async def test_tk16_tokens_of_a_machine_are_nobody(provider: Target) -> None:
    rp = await provider.client(grant_types=["client_credentials"], redirect_uris=None)
    await provider.change(rp, scope="api")
    token = (await rp.token(grant_type="client_credentials")).access_token

    answer = await rp.userinfo(token)

    assert answer.status == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("change", ["cut", "longer", "padded", "case", "leading space", "inner space", "tab", "slack"])
async def test_tk17_a_changed_access_token_is_unknown(client: RelyingParty, browser: HtmlBrowser, change: str) -> None:
    token = (await client.redeem(await browser.authorize(client))).access_token
    last = token[-1]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    changed = {
        "cut": token[:-1],
        "longer": token + "A",
        "padded": token + "=",
        "case": token.swapcase(),
        "leading space": "\u2003" + token,
        "inner space": token[:20] + " " + token[20:],
        "tab": token + "\tx",
        "slack": token[:-1] + alphabet[alphabet.index(last) ^ 1],
    }[change]

    assert not await client.is_active(changed)
    assert await client.is_active(token)


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_tk17_base64_slack_in_any_part_of_a_jwt_is_refused(
    rp: RelyingParty, browser: HtmlBrowser, place: int
) -> None:
    """Two spellings of one token would slip past a list of revoked ones (ASVS 9.1)."""
    token = (await rp.redeem(await browser.authorize(rp))).access_token
    parts = token.split(".")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for flipped in range(1, 4):
        changed = list(parts)
        changed[place] = parts[place][:-1] + alphabet[alphabet.index(parts[place][-1]) ^ flipped]
        assert not_a_token(await rp.userinfo(".".join(changed)))
        changed[place] = parts[place] + "=" * flipped
        assert not_a_token(await rp.userinfo(".".join(changed)))


async def test_tk37_a_persons_attributes_never_overwrite_the_protocols(provider: Target) -> None:
    rp = await provider.client()
    hostile = dict.fromkeys(sorted(RESERVED_CLAIMS), "evil")
    claims = {
        **hostile, "name": "iss", "locale": "sub", "email": "root@example.org", "email_verified": True,
        "phone_number": "+15550100", "phone_number_verified": "true", "updated_at": 1,
    }  # fmt: skip
    person = await provider.account(claims=claims, email_verified=False)
    wished = '{"id_token":{' + ",".join(f'"{name}":null' for name in claims if name != "acr") + "}}"

    tokens = await tokens_for(provider, rp, person, scope="openid email phone profile", claims=wished)

    identity, access = (await rp.decode(tokens.id_token)).claims, (await rp.decode(tokens.access_token)).claims
    info = (await rp.userinfo(tokens.access_token)).body
    described = (await rp.introspect(tokens.access_token)).body
    for document in (identity, access, info, described):
        assert "evil" not in str(document)
        assert document["sub"] == person.id
    assert (identity["email"], identity["email_verified"]) == (person.user.email, False)
    assert (info["email"], info["email_verified"]) == (person.user.email, False)
    assert info["phone_number_verified"] is False
    assert identity["aud"] == rp.client_id


async def test_tk39_an_access_token_is_a_jwt_of_its_own_kind(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 9068 §2: typ at+jwt; aud, client_id, jti and an end that is near."""
    tokens = await rp.redeem(await browser.authorize(rp))
    access, identity = await rp.decode(tokens.access_token), await rp.decode(tokens.id_token)

    assert (access.header["typ"], identity.header["typ"]) == ("at+jwt", "JWT")
    assert access.claims["aud"] == rp.issuer
    assert access.claims["client_id"] == rp.client_id
    assert len(access.claims["jti"]) >= 22
    assert access.claims["exp"] - access.claims["iat"] == tokens.body["expires_in"] == 300
    assert not {"email", "name", "nonce"} & set(access.claims)


async def test_tk39_a_token_for_somebody_else_opens_nothing_here(provider: Target, person: Person) -> None:
    rp, api = await provider.client(), await provider.client()
    tokens = await tokens_for(provider, rp, person)

    assert not await api.is_active(tokens.access_token)
    await provider.change(api, audiences=[provider.issuer])
    other = await provider.client()
    await provider.change(other, audiences=["https://api.example"])
    assert not await other.is_active(tokens.access_token)


@pytest.mark.parametrize(("offset", "passes"), [(-120, False), (-61, False), (-20, True), (20, True), (120, False)])
async def test_tk40_a_client_whose_clock_is_off_is_borne_with_up_to_a_point(
    provider: Target, offset: int, passes: bool
) -> None:
    """Assertions of a minute's life: too old beyond exp + 60 s, from the future beyond iat + 30 s."""
    key = ECKey.generate_key("P-256", {"kid": "k"})
    rp = await provider.client(method="private_key_jwt", key=key, grant_types=["client_credentials"])
    await provider.change(rp, scope="api")
    skewed = Assertion(key, "ES256", now=lambda: rp.now() + offset - (60 if offset < 0 else 0))

    answer = await rp.post("token_endpoint", {"grant_type": "client_credentials"}, auth=skewed)

    assert (answer.status == 200) is passes, answer.text


@pytest.mark.parametrize("offset", [timedelta(seconds=-120), timedelta(seconds=120), timedelta(hours=1)])
async def test_tk40_workers_that_disagree_issue_nothing_immortal(fresh: Target, offset: timedelta) -> None:
    rp, person = await fresh.client(), await fresh.person()
    async with fresh.twin(clock=HandClock(fresh.clock.now() + offset)) as twin:
        there = await tokens_for(twin, through(twin, rp), person)

        assert there.body["expires_in"] == 300
        claims = (await rp.decode(there.access_token)).claims
        assert claims["exp"] == int(twin.clock.timestamp()) + 300
        fresh.clock.advance(timedelta(seconds=300) + max(offset, timedelta()) + SECOND)
        assert not await rp.is_active(there.access_token)

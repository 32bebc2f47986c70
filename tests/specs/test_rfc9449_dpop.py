"""Demonstrating Proof of Possession – RFC 9449, at the token endpoint and at userinfo."""

import warnings
from datetime import timedelta

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from idp.domain.client import Profile
from idp.oauth import pipeline
from tests.support import dpop
from tests.support.dpop import ProofKey, send, userinfo
from tests.support.html_browser import HtmlBrowser
from tests.support.jose import forge
from tests.support.provider import HandClock, Provider
from tests.support.relying_party import Answer, RelyingParty

SECOND = timedelta(seconds=1)


@pytest.fixture
def key(clock: HandClock) -> ProofKey:
    """The client's key."""
    return ProofKey(now=clock.timestamp)


@pytest.fixture
async def bound(rp: RelyingParty, browser: HtmlBrowser, key: ProofKey) -> Answer:
    """Tokens that are bound to the key."""
    answer = await redeem(rp, await browser.authorize(rp), key)
    assert answer.status == 200, answer.text
    return answer


def code_fields(rp: RelyingParty, code: str) -> dict[str, str]:
    """Return what redeems a code."""
    request = rp.codes[code]
    return {
        "grant_type": "authorization_code", "code": code, "redirect_uri": request.parameters["redirect_uri"],
        "code_verifier": request.verifier,
    }  # fmt: skip


async def redeem(rp: RelyingParty, code: str, key: ProofKey, **changes: object) -> Answer:
    """Redeem a code with a proof; `changes` are those of the proof."""
    url = (await rp.metadata())["token_endpoint"]
    return await send(rp, "token_endpoint", key.proof("POST", url, **changes), **code_fields(rp, code))  # type: ignore[arg-type]


async def refresh(rp: RelyingParty, token: str, key: ProofKey | None) -> Answer:
    """Refresh, with a proof if there is a key."""
    proof = key.proof("POST", f"{rp.issuer}/token") if key else None
    return await send(rp, "token_endpoint", proof, grant_type="refresh_token", refresh_token=token)


def test_every_grant_checks_the_proof() -> None:
    """RFC 9449 §5: no grant of the token endpoint may forget it."""
    tables = {name: value for name, value in vars(pipeline).items() if name.isupper() and isinstance(value, tuple)}

    assert len(tables) >= 3
    assert all("check_proof" in table for table in tables.values()), tables


BAD_HEADERS = [
    {"typ": "JWT"}, {"typ": None}, {"jwk": None}, {"jwk": "x"}, {"jwk": {"kty": "EC"}}, {"crit": ["b64"], "b64": True},
    {"jku": "https://rp.example/jwks"}, {"x5u": "https://rp.example/x"}, {"zip": "DEF"},
]  # fmt: skip
BAD_CLAIMS = [
    {"jti": None}, {"jti": ""}, {"jti": 7}, {"jti": "x" * 257}, {"htm": None}, {"htm": "GET"}, {"htm": "post"},
    {"htu": None}, {"htu": "https://idp.example/userinfo"}, {"htu": "https://evil.example/token"}, {"htu": "x"},
    {"htu": 7},
    {"htu": "https://user@idp.example/token"}, {"iat": None}, {"iat": "now"}, {"iat": True}, {"iat": -1},
    {"iat": 1e300},
]  # fmt: skip


@pytest.mark.parametrize("header", BAD_HEADERS, ids=str)
async def test_a_header_that_is_no_proofs_is_refused(
    rp: RelyingParty, browser: HtmlBrowser, key: ProofKey, header: dict[str, object]
) -> None:
    """RFC 9449 §4.3 steps 4 to 7."""
    code = await browser.authorize(rp)

    answer = await redeem(rp, code, key, header=header)

    assert (answer.status, answer.error) == (400, "invalid_dpop_proof")
    assert (await redeem(rp, code, key)).status == 200  # a refused proof spends nothing


@pytest.mark.parametrize("claims", BAD_CLAIMS, ids=str)
async def test_claims_that_are_no_proofs_are_refused(
    rp: RelyingParty, browser: HtmlBrowser, key: ProofKey, claims: dict[str, object]
) -> None:
    """RFC 9449 §4.3 steps 3 and 8 to 11."""
    code = await browser.authorize(rp)

    answer = await redeem(rp, code, key, **claims)

    assert (answer.status, answer.error) == (400, "invalid_dpop_proof")
    assert "invalid_dpop_proof" not in (await redeem(rp, code, key)).text


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "e30.e30.e30", "x" * 9000])
async def test_what_is_no_jws_is_refused(rp: RelyingParty, browser: HtmlBrowser, text: str) -> None:
    """RFC 9449 §4.3 step 2."""
    answer = await send(rp, "token_endpoint", text, **code_fields(rp, await browser.authorize(rp)))

    assert (answer.status, answer.error) == (400, "invalid_dpop_proof")


async def test_two_headers_are_refused(rp: RelyingParty, browser: HtmlBrowser, key: ProofKey) -> None:
    """RFC 9449 §4.3 step 1."""
    proofs = [key.proof("POST", f"{rp.issuer}/token") for _ in range(2)]

    answer = await send(rp, "token_endpoint", proofs, **code_fields(rp, await browser.authorize(rp)))

    assert (answer.status, answer.error) == (400, "invalid_dpop_proof")


async def test_a_symmetric_or_private_or_foreign_or_short_key_is_refused(
    rp: RelyingParty, browser: HtmlBrowser, key: ProofKey
) -> None:
    """RFC 9449 §4.3 steps 5 to 7."""
    fields = code_fields(rp, await browser.authorize(rp))
    url = f"{rp.issuer}/token"
    other = ECKey.generate_key("P-256", private=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is short, and the library says so
        short = RSAKey.generate_key(1024, private=True)
    octets = OctKey.generate_key(256)
    wrong = [
        forge({"typ": "dpop+jwt", "alg": "HS256", "jwk": octets.as_dict()}, {"jti": "x"}, octets, "HS256"),
        key.proof("POST", url, header={"jwk": key.key.as_dict(private=True)}),
        key.proof("POST", url, header={"jwk": other.as_dict(private=False)}),
        ProofKey(short, "PS256", key.now).proof("POST", url),
        ProofKey(ECKey.generate_key("P-384", private=True), "ES384", key.now).proof("POST", url),
        key.proof("POST", url)[:-4] + "AAAA",
    ]

    answers = [await send(rp, "token_endpoint", proof, **fields) for proof in wrong]

    assert [(answer.status, answer.error) for answer in answers] == [(400, "invalid_dpop_proof")] * len(wrong)


@pytest.mark.parametrize(
    ("seconds", "is_good"), [(-61, False), (-59, True), (-10, True), (10, True), (29, True), (31, False)]
)
async def test_a_proof_is_young(
    rp: RelyingParty, browser: HtmlBrowser, key: ProofKey, seconds: int, is_good: bool
) -> None:
    """RFC 9449 §11.1: at most 60 s old, and 30 s ahead; ten seconds either way always pass (FAPI 2.0)."""
    code = await browser.authorize(rp)

    answer = await redeem(rp, code, key, iat=int(key.now()) + seconds)

    assert (answer.status == 200) is is_good, answer.text


async def test_exp_nbf_and_unknown_members_are_tolerated(rp: RelyingParty, browser: HtmlBrowser, key: ProofKey) -> None:
    """RFC 9449 §4.2: other claims may be there."""
    now = int(key.now())

    answer = await redeem(rp, await browser.authorize(rp), key, exp=now + 60, nbf=now - 10, more={"a": 1})

    assert answer.status == 200, answer.text


@pytest.mark.parametrize("shape", ["{0}/token?x=1", "{0}/token#x", "{0}/./a/../token", "UPPER", ":443"])
async def test_the_url_is_compared_without_query_and_spelling(
    rp: RelyingParty, browser: HtmlBrowser, key: ProofKey, shape: str
) -> None:
    """RFC 9449 §4.3 step 9: after scheme-based and syntax-based normalization (RFC 3986 §6.2)."""
    scheme, _, host = rp.issuer.partition("://")
    url = {"UPPER": f"{scheme}://{host.upper()}/token", ":443": f"{scheme}://{host}:443/token"}.get(shape)
    url = url or shape.format(rp.issuer)

    answer = await redeem(rp, await browser.authorize(rp), key, htu=url)

    assert answer.status == 200, answer.text


async def test_a_proof_is_used_once(rp: RelyingParty, browser: HtmlBrowser, key: ProofKey) -> None:
    """RFC 9449 §11.1: by all endpoints, and by another key the same jti is another proof."""
    proof = key.proof("POST", f"{rp.issuer}/token", jti="once")
    first, second, third = [await browser.authorize(rp) for _ in range(3)]

    assert (await send(rp, "token_endpoint", proof, **code_fields(rp, first))).status == 200
    again = await send(rp, "token_endpoint", proof, **code_fields(rp, second))
    assert (again.status, again.error) == (400, "invalid_dpop_proof")
    same_jti = await redeem(rp, second, key, jti="once")
    assert (same_jti.status, same_jti.error) == (400, "invalid_dpop_proof")
    assert (await redeem(rp, third, ProofKey(now=key.now), jti="once")).status == 200


@pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA", "Ed25519"])
async def test_tokens_are_bound_to_the_key_that_was_proved(
    rp: RelyingParty, browser: HtmlBrowser, clock: HandClock, alg: str
) -> None:
    """RFC 9449 §5, §6.1: token_type DPoP, and cnf.jkt in the token and in introspection."""
    key = dpop.keys()[alg]
    key.now = clock.timestamp

    answer = await redeem(rp, await browser.authorize(rp), key)

    assert answer.body["token_type"] == "DPoP"
    assert (await rp.decode(answer.access_token)).claims["cnf"] == {"jkt": key.thumbprint}
    told = (await rp.introspect(answer.access_token)).body
    assert (told["token_type"], told["cnf"]) == ("DPoP", {"jkt": key.thumbprint})
    proof = key.proof("GET", f"{rp.issuer}/userinfo", token=answer.access_token)
    assert (await userinfo(rp, answer.access_token, proof)).status == 200


async def test_a_bound_token_is_no_bearer_token(rp: RelyingParty, bound: Answer, key: ProofKey) -> None:
    """RFC 9449 §7.2: downgraded, without a proof, with another key, or in a body it is refused."""
    url, token = f"{rp.issuer}/userinfo", bound.access_token
    good = key.proof("GET", url, token=token)

    refused = [
        await userinfo(rp, token, good, "Bearer"), await userinfo(rp, token, None, "Bearer"),
        await userinfo(rp, token, None),
        await userinfo(rp, token, ProofKey(now=key.now).proof("GET", url, token=token)),
        Answer.of(await rp.http.post(url, data={"access_token": token}, headers={"DPoP": key.proof("POST", url)})),
    ]  # fmt: skip

    assert [answer.status for answer in refused] == [401] * len(refused)
    assert all('error="invalid_token"' in answer.headers["www-authenticate"] for answer in refused)
    assert 'algs="ES256 PS256 EdDSA Ed25519"' in refused[2].headers["www-authenticate"]
    assert (await userinfo(rp, token, good)).status == 200


async def test_a_bearer_token_is_no_bound_token(rp: RelyingParty, tokens: Answer, key: ProofKey) -> None:
    """RFC 9449 §7.1: the scheme DPoP is for bound tokens alone."""
    token = tokens.access_token
    proof = key.proof("GET", f"{rp.issuer}/userinfo", token=token)

    assert (await userinfo(rp, token, proof)).status == 401
    assert (await userinfo(rp, token, proof, "Bearer")).status == 200


@pytest.mark.parametrize(
    "change", [{"ath": None}, {"ath": "x"}, {"ath": dpop.ath("another")}, {"htm": "POST"}, {"iat": 0}]
)
async def test_a_proof_at_a_resource_is_for_that_token(
    rp: RelyingParty, bound: Answer, key: ProofKey, change: dict[str, object]
) -> None:
    """RFC 9449 §4.3 steps 11 and 12; §7.1: 401 with the error in the challenge."""
    proof = key.proof("GET", f"{rp.issuer}/userinfo", token=bound.access_token, **change)

    answer = await userinfo(rp, bound.access_token, proof)

    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith('DPoP realm="userinfo", error="invalid_dpop_proof"')


@pytest.mark.parametrize("scheme", ["DPoP", "dpop", "dPOP"])
async def test_the_scheme_is_case_insensitive(rp: RelyingParty, bound: Answer, key: ProofKey, scheme: str) -> None:
    """RFC 9110 §11.1."""
    proof = key.proof("GET", f"{rp.issuer}/userinfo", token=bound.access_token)

    assert (await userinfo(rp, bound.access_token, proof, scheme)).status == 200


async def test_a_proof_is_used_once_at_a_resource(rp: RelyingParty, bound: Answer, key: ProofKey) -> None:
    """RFC 9449 §11.1."""
    proof = key.proof("GET", f"{rp.issuer}/userinfo", token=bound.access_token)

    assert [(await userinfo(rp, bound.access_token, proof)).status for _ in range(2)] == [200, 401]


async def test_a_nonce_is_offered_to_whoever_has_none(
    rp: RelyingParty, browser: HtmlBrowser, key: ProofKey, clock: HandClock
) -> None:
    """RFC 9449 §8.2: with a good answer too, and again before the old one ends."""
    first = await redeem(rp, await browser.authorize(rp), key)
    key.nonce = first.headers["dpop-nonce"]
    second = await redeem(rp, await browser.authorize(rp), key)
    clock.advance(timedelta(minutes=5))
    third = await redeem(rp, await browser.authorize(rp), key)

    assert (first.status, second.status, third.status) == (200, 200, 200)
    assert "dpop-nonce" not in second.headers
    assert third.headers["dpop-nonce"] != key.nonce


async def test_a_nonce_is_demanded_where_it_is_required(
    provider: Provider, browser: HtmlBrowser, clock: HandClock
) -> None:
    """RFC 9449 §8: none, a foreign and a stale one are told to try again, with one that works; nothing is spent."""
    rp = await provider.client(require_dpop_nonce=True)
    key = ProofKey(now=clock.timestamp)
    code = await browser.authorize(rp)

    none, foreign = await redeem(rp, code, key), await redeem(rp, code, key, nonce="x" * 32)
    key.nonce = none.headers["dpop-nonce"]
    good = await redeem(rp, code, key)

    assert [(each.status, each.error) for each in (none, foreign)] == [(400, "use_dpop_nonce")] * 2
    assert good.status == 200
    proof = key.proof("GET", f"{rp.issuer}/userinfo", token=good.access_token, nonce=None)
    at_resource = await userinfo(rp, good.access_token, proof)
    assert (at_resource.status, at_resource.headers["dpop-nonce"]) == (401, key.nonce)
    assert 'error="use_dpop_nonce"' in at_resource.headers["www-authenticate"]


@pytest.mark.parametrize(("slots", "status"), [(1, 200), (2, 400)])
async def test_the_last_nonce_is_accepted_and_no_older_one(
    provider: Provider, browser: HtmlBrowser, clock: HandClock, slots: int, status: int
) -> None:
    """RFC 9449 §8: a slot of five minutes and the one before it."""
    rp = await provider.client(require_dpop_nonce=True)
    key = ProofKey(now=clock.timestamp)
    key.nonce = (await redeem(rp, await browser.authorize(rp), key)).headers["dpop-nonce"]
    clock.advance(slots * timedelta(minutes=5))

    answer = await redeem(rp, await browser.authorize(rp), key)

    assert answer.status == status, answer.text


async def test_who_registered_for_bound_tokens_gets_no_others(
    provider: Provider, browser: HtmlBrowser, clock: HandClock
) -> None:
    """RFC 9449 §5.2: a missing proof is invalid_request, and the code is still good."""
    rp = await provider.client(dpop_bound_access_tokens=True)
    code = await browser.authorize(rp)

    without = await rp.redeem(code)

    assert (without.status, without.error) == (400, "invalid_request")
    assert (await redeem(rp, code, ProofKey(now=clock.timestamp))).status == 200


async def test_a_code_goes_to_the_key_that_the_request_named(
    rp: RelyingParty, browser: HtmlBrowser, key: ProofKey
) -> None:
    """RFC 9449 §10: another key is invalid_grant, none invalid_request."""
    code = await browser.authorize(rp, dpop_jkt=key.thumbprint)

    other = await redeem(rp, code, ProofKey(now=key.now))
    none = await rp.redeem(code)

    assert (other.status, other.error) == (400, "invalid_grant")
    assert (none.status, none.error) == (400, "invalid_request")
    assert (await redeem(rp, code, key)).status == 200


@pytest.mark.parametrize("thumbprint", ["x", "x" * 44, "x" * 42 + "=", "é" * 43])
async def test_a_key_that_is_none_is_refused(rp: RelyingParty, browser: HtmlBrowser, thumbprint: str) -> None:
    """RFC 9449 §10."""
    assert (await browser.answer(rp, dpop_jkt=thumbprint)).error == "invalid_request"


async def test_a_public_clients_refresh_token_is_bound_for_life(
    provider: Provider, browser: HtmlBrowser, key: ProofKey
) -> None:
    """RFC 9449 §5: without its key it is worthless, and its owner loses nothing by the attempt."""
    rp = await provider.client(profile=Profile.NATIVE)
    first = await redeem(rp, await browser.authorize(rp), key)

    none, other = (
        await refresh(rp, first.refresh_token, None),
        await refresh(rp, first.refresh_token, ProofKey(now=key.now)),
    )
    good = await refresh(rp, first.refresh_token, key)

    assert (none.status, none.error) == (400, "invalid_request")
    assert (other.status, other.error) == (400, "invalid_grant")
    assert (good.status, good.body["token_type"]) == (200, "DPoP")
    reused = await refresh(rp, good.refresh_token, ProofKey(now=key.now))
    assert (reused.status, reused.error) == (400, "invalid_grant")


async def test_a_confidential_client_may_bring_a_new_key(rp: RelyingParty, bound: Answer, key: ProofKey) -> None:
    """RFC 9449 §5: its refresh token is bound to its credentials; but never back to no key at all."""
    new = ProofKey(now=key.now)

    none = await refresh(rp, bound.refresh_token, None)
    answer = await refresh(rp, bound.refresh_token, new)

    assert (none.status, none.error) == (400, "invalid_request")
    assert (await rp.decode(answer.access_token)).claims["cnf"] == {"jkt": new.thumbprint}


async def test_an_opaque_token_is_bound_too(provider: Provider, browser: HtmlBrowser, key: ProofKey) -> None:
    """RFC 9449 §6.2: what the handle stands for has the key."""
    rp = await provider.client(access_token_format="opaque")
    token = (await redeem(rp, await browser.authorize(rp), key)).access_token

    assert (await userinfo(rp, token, None, "Bearer")).status == 401
    assert (await userinfo(rp, token, key.proof("GET", f"{rp.issuer}/userinfo", token=token))).status == 200


async def test_a_machines_token_is_bound_too(provider: Provider, key: ProofKey) -> None:
    """RFC 9449 §5: with every grant."""
    rp = await provider.client(grant_types=["client_credentials"], redirect_uris=None, scope="reports.read")

    answer = await send(rp, "token_endpoint", key.proof("POST", f"{rp.issuer}/token"), grant_type="client_credentials")

    assert (answer.status, answer.body["token_type"]) == (200, "DPoP")


async def test_of_one_proof_sent_twice_at_once_one_wins(postgresql_provider: Provider, key: ProofKey) -> None:
    """RFC 9449 §11.1: the store decides."""
    import asyncio

    provider = postgresql_provider
    key.now = provider.clock.timestamp
    rp = await provider.client(grant_types=["client_credentials"], redirect_uris=None, scope="reports.read")
    proof = key.proof("POST", f"{rp.issuer}/token")

    answers = await asyncio.gather(
        *(send(rp, "token_endpoint", proof, grant_type="client_credentials") for _ in range(4))
    )

    assert sorted(answer.status for answer in answers) == [200, 400, 400, 400]

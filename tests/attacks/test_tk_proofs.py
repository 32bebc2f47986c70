"""TK14, TK28–TK31: keys that are shown to be held, by those who do not hold them (RFC 9449 §11, RFC 8705 §7)."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey

from idp.domain.client import Profile
from idp.domain.risk import Band
from idp.policy import lifetimes
from tests.support.attacker import is_no_client, send
from tests.support.certificates import DN, ByCertificate, Certificate, certificate
from tests.support.dpop import ProofKey, ath, userinfo
from tests.support.dpop import send as sent
from tests.support.financial import MTLS
from tests.support.html_browser import HtmlBrowser
from tests.support.jose import forge
from tests.support.provider import Person
from tests.support.pushed import PUSHED, push, visit
from tests.support.relying_party import Answer, RelyingParty
from tests.support.target import Target, target

TOKEN = "token_endpoint"
RESOURCES = ("/userinfo", "/api/admin/v1/users", "/scim/v2/Users", "/ssf/streams")


@pytest.fixture
def key(provider: Target) -> ProofKey:
    """The client's key."""
    return ProofKey(now=provider.clock.timestamp)


async def redeemed(rp: RelyingParty, code: str, proof: str | list[str] | None) -> Answer:
    request = rp.codes[code]
    return await sent(
        rp, TOKEN, proof, grant_type="authorization_code", code=code, redirect_uri=request.parameters["redirect_uri"],
        code_verifier=request.verifier,
    )  # fmt: skip


async def bound(rp: RelyingParty, browser: HtmlBrowser, key: ProofKey) -> Answer:
    answer = await redeemed(rp, await browser.authorize(rp), key.proof("POST", f"{rp.issuer}/token"))
    assert answer.body["token_type"] == "DPoP", answer.text
    return answer


def wrong_proofs(key: ProofKey, method: str, url: str, token: str | None = None) -> dict[str, str | list[str]]:
    """Return what an attacker has instead of a proof."""
    octets, other, now = OctKey.generate_key(256), ProofKey(now=key.now), int(key.now())
    claims = {"jti": "j", "htm": method, "htu": url, "iat": now, **({"ath": ath(token)} if token else {})}

    def proof(header: dict[str, Any] | None = None, **changes: object) -> str:
        return key.proof(method, url, token=token, header=header, **changes)

    wrong: dict[str, str | list[str]] = {
        "typ": proof({"typ": "JWT"}), "typ of an access token": proof({"typ": "at+jwt"}), "two": [proof(), proof()],
        "HS256": forge({"typ": "dpop+jwt", "alg": "HS256", "jwk": octets.as_dict()}, claims, octets, "HS256"),
        "HS256 by the public key": forge({"typ": "dpop+jwt", "alg": "HS256", "jwk": key.key.as_dict(private=False)},
                                         claims, str(key.key.as_dict(private=False)).encode(), "HS256"),
        "none": forge({"typ": "dpop+jwt", "alg": "none", "jwk": key.key.as_dict(private=False)}, claims, None, "none"),
        "private jwk": proof({"jwk": key.key.as_dict(private=True)}), "jwk of another": proof(
            {"jwk": other.key.as_dict(private=False)}), "htm": proof(htm="PUT"), "htu": proof(htu="https://evil.example/"),
        "htu of a neighbour": proof(htu=url + "x"), "htu in the clear": proof(htu=url.replace("https", "http")),
        "old": proof(iat=now - 300), "ahead": proof(iat=now + 300), "no jti": proof(jti=None),
    }  # fmt: skip
    if token is not None:
        wrong |= {"bad ath": proof(ath=ath("other")), "no ath": proof(ath=None)}
    return wrong


async def test_tk28_a_bad_proof_buys_nothing_and_leaves_nothing(fresh: Target) -> None:
    """At the token endpoint, at /par, and at a resource: refused, and not one row of replay memory."""
    rp, person, key = await fresh.client(), await fresh.person(), ProofKey(now=fresh.clock.timestamp)
    async with fresh.browser(person) as browser:
        code = await browser.authorize(rp)
        for name, proof in wrong_proofs(key, "POST", f"{rp.issuer}/token").items():
            answer = await redeemed(rp, code, proof)
            assert (answer.status, answer.error) == (400, "invalid_dpop_proof"), name
        for name, proof in wrong_proofs(key, "POST", f"{rp.issuer}/par").items():
            request = await rp.authorization_request()
            answer = await sent(rp, PUSHED, proof, **request.parameters)
            assert (answer.status, answer.error) == (400, "invalid_dpop_proof"), name
        assert await fresh.rows("replays") == []
        assert await fresh.rows("pushed_requests") == []
        token = (await redeemed(rp, code, key.proof("POST", f"{rp.issuer}/token"))).access_token
    for name, wrong in wrong_proofs(key, "GET", f"{rp.issuer}/userinfo", token).items():
        proofs = wrong if isinstance(wrong, list) else [wrong]
        headers = [("Authorization", f"DPoP {token}"), *(("DPoP", each) for each in proofs)]
        answer = Answer.of(await rp.http.get(f"{rp.issuer}/userinfo", headers=headers))
        assert (answer.status, answer.error) == (401, "invalid_dpop_proof"), name
    assert len(await fresh.rows("replays")) == 1


async def test_tk28_a_proof_that_was_seen_is_worth_nothing_more(
    provider: Target, rp: RelyingParty, browser: HtmlBrowser, key: ProofKey
) -> None:
    """Replayed at the same endpoint by whoever listened, whatever else they send."""
    tokens = await bound(rp, browser, key)
    proof = key.proof("GET", f"{rp.issuer}/userinfo", token=tokens.access_token)

    assert (await userinfo(rp, tokens.access_token, proof)).status == 200
    assert (await userinfo(rp, tokens.access_token, proof)).status == 401


async def test_tk28_a_huge_or_strange_proof_costs_little(provider: Target, rp: RelyingParty) -> None:
    """No fault of ours, whatever stands in the header."""
    for text in (b"x" * 12_000, b"." * 2, b"\xff.\xfe.\xfd", b"e30.e30.e30", b"a" * 4000 + b".b.c"):
        headers = [(b"content-type", b"application/x-www-form-urlencoded"), (b"dpop", text)]
        body = f"grant_type=refresh_token&refresh_token=x&client_id={rp.client_id}".encode()
        assert (await send(provider, "POST", "/token", headers=headers, body=body)).status in (400, 401, 431)


async def test_tk29_without_our_nonce_nothing_is_given_where_it_is_due(
    provider: Target, browser: HtmlBrowser, key: ProofKey
) -> None:
    """None, a stale one, one of another deployment: use_dpop_nonce with the nonce that works; nothing is spent, and
    nothing stands in the trail: it is how a client learns the nonce.
    """
    rp = await provider.client(require_dpop_nonce=True)
    code = await browser.authorize(rp)
    url = f"{rp.issuer}/token"
    told = (await redeemed(rp, code, key.proof("POST", url))).headers["dpop-nonce"]
    assert not [row for row in await provider.events("token_refused") if row["client_id"] == rp.client_id]
    provider.clock.advance(2 * lifetimes.DPOP_NONCE)
    code = await browser.authorize(rp)

    for nonce in (None, told, "x" * 32, told[:-1], "", 7):
        answer = await redeemed(rp, code, key.proof("POST", url, nonce=nonce))
        assert (answer.status, answer.error) == (400, "use_dpop_nonce"), nonce
        assert answer.headers["dpop-nonce"] != told
    assert (await redeemed(rp, code, key.proof("POST", url, nonce=answer.headers["dpop-nonce"]))).status == 200


@pytest.mark.parametrize("path", RESOURCES)
async def test_tk30_a_bound_token_is_worthless_without_its_key(
    provider: Target, browser: HtmlBrowser, key: ProofKey, path: str
) -> None:
    """As Bearer, with another key's proof, with none: 401 at every resource of ours, before anything else is said."""
    rp = await provider.client()
    token = (await bound(rp, browser, key)).access_token
    url, thief = f"{rp.issuer}{path}", ProofKey(now=key.now)

    attempts = [
        {"Authorization": f"Bearer {token}"}, {"Authorization": f"DPoP {token}"},
        {"Authorization": f"Bearer {token}", "DPoP": key.proof("GET", url, token=token)},
        {"Authorization": f"DPoP {token}", "DPoP": thief.proof("GET", url, token=token)},
    ]  # fmt: skip

    answers = [await rp.http.get(url, headers=headers) for headers in attempts]
    assert [answer.status_code for answer in answers] == [401] * 4
    assert all('error="invalid_token"' in answer.headers["www-authenticate"] for answer in answers)


async def test_tk30_a_code_is_redeemed_by_the_key_that_was_named(
    provider: Target, rp: RelyingParty, browser: HtmlBrowser, key: ProofKey
) -> None:
    """By dpop_jkt in the browser, or by the proof of a push: whoever steals the code has no use for it."""
    url, thief = f"{rp.issuer}/token", ProofKey(now=key.now)
    pushed = await push(rp, key.proof("POST", f"{rp.issuer}/par"))
    for code in (
        await browser.authorize(rp, dpop_jkt=key.thumbprint),
        (await visit(browser, rp, pushed.body["request_uri"])).code,
    ):
        stolen = await redeemed(rp, code, thief.proof("POST", url))
        assert (stolen.status, stolen.error) == (400, "invalid_grant")
        assert (await redeemed(rp, code, None)).error == "invalid_request"
        assert (await redeemed(rp, code, key.proof("POST", url))).status == 200


async def test_tk30_tk14_a_stolen_refresh_token_of_a_public_client_needs_its_key(
    provider: Target, person: Person, browser: HtmlBrowser, key: ProofKey
) -> None:
    """Refused; the family lives on, and whoever uses the session next proves more."""
    rp, url = await provider.client(profile=Profile.NATIVE), f"{provider.issuer}/token"
    token = (await bound(rp, browser, key)).refresh_token
    thief = ProofKey(now=key.now)

    stolen = await sent(rp, TOKEN, thief.proof("POST", url), grant_type="refresh_token", refresh_token=token)
    bare = await sent(rp, TOKEN, None, grant_type="refresh_token", refresh_token=token)

    assert (stolen.status, stolen.error) == (400, "invalid_grant")
    assert (bare.status, bare.error) == (400, "invalid_request")
    flagged = await provider.execute(f"SELECT risk FROM sessions WHERE user_id = '{person.id}'")
    assert [row["risk"] for row in flagged] == [Band.HIGH.start]
    own = await sent(rp, TOKEN, key.proof("POST", url), grant_type="refresh_token", refresh_token=token)
    assert own.status == 200


@pytest.fixture(scope="module")
async def listening(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    """A provider that asks for certificates, behind a proxy in a network of its own."""
    folder = tmp_path_factory.mktemp("listening")
    async with target("sqlite", folder, mtls_url=MTLS, trusted_proxies="10.0.0.0/8") as running:
        yield running


async def ask(provider: Target, rp: RelyingParty, headers: dict[str, str], address: str = "10.0.0.1") -> Answer:
    async with provider.reach(address=address) as http:
        fields = {"grant_type": "client_credentials", "client_id": rp.client_id}
        return Answer.of(await http.post(f"{MTLS}/token", data=fields, headers=headers))


async def by_name(provider: Target, **members: Any) -> RelyingParty:
    return await provider.client(method="tls_client_auth", grant_types=["client_credentials"], redirect_uris=None,
                                 scope="api", tls_client_auth_subject_dn=DN, **members)  # fmt: skip


async def test_tk31_no_certificate_or_a_wrong_one_is_no_client(listening: Target) -> None:
    rp, own, other = await by_name(listening), certificate(), certificate("CN=other")
    wrong: list[dict[str, str]] = [
        {}, other.field, other.nginx(), own.nginx("FAILED:expired"), own.nginx("NONE"), {"X-Client-Verify": "SUCCESS"},
        {"X-Client-Verify": "SUCCESS", "X-Client-Cert": "x"}, own.field | other.nginx(), {"Client-Cert": "::"},
        {"X-SSL-Client-S-DN": DN, "X-Client-Verify": "SUCCESS"}, {"Client-Cert-Chain": own.field["Client-Cert"]},
    ]  # fmt: skip

    for headers in wrong:
        assert is_no_client(await ask(listening, rp, headers)), headers
    assert (await ask(listening, rp, own.field)).status == 200


@pytest.mark.parametrize("address", ["203.0.113.9", "11.0.0.1", "127.0.0.1"])
async def test_tk31_a_certificate_that_no_trusted_proxy_tells_of_is_none(listening: Target, address: str) -> None:
    rp, own = await by_name(listening), certificate()

    for headers in (own.field, own.nginx(), own.field | {"X-Forwarded-For": "10.0.0.1"}):
        assert is_no_client(await ask(listening, rp, headers, address)), headers


async def test_tk31_a_certificate_that_the_other_listener_passes_on_is_none(listening: Target) -> None:
    """There nobody is asked for one: what stands in the header the client wrote itself."""
    rp, own = await by_name(listening), certificate()
    async with listening.reach(address="10.0.0.1") as http:
        fields = {"grant_type": "client_credentials", "client_id": rp.client_id}
        answer = Answer.of(await http.post("/token", data=fields, headers=own.field))

    assert is_no_client(answer)


async def test_tk31_a_bound_token_is_worthless_without_its_certificate(listening: Target) -> None:
    rp, own = await by_name(listening, tls_client_certificate_bound_access_tokens=True), certificate()
    token = (await ask(listening, rp, own.field)).access_token
    signed = ProofKey(ECKey.generate_key("P-256"), now=listening.clock.timestamp)
    bearer = {"Authorization": f"Bearer {token}"}
    wrong = [
        bearer, bearer | certificate().field,
        {"Authorization": f"DPoP {token}", "DPoP": signed.proof("GET", f"{MTLS}/userinfo", token=token), **own.field},
    ]  # fmt: skip

    async with listening.reach(address="10.0.0.1") as http:
        answers = [await http.get(f"{MTLS}/userinfo", headers=headers) for headers in wrong]
        elsewhere = await http.get("/userinfo", headers=bearer | own.field)

    assert [answer.status_code for answer in (*answers, elsewhere)] == [401] * 4


async def test_tk31_a_certificate_is_no_login_for_a_client_of_another_method(listening: Target) -> None:
    """Neither with a secret beside it, nor instead of one."""
    own: Certificate = certificate()
    basic = await listening.client(grant_types=["client_credentials"], redirect_uris=None, scope="api")
    certified = await by_name(listening)

    assert is_no_client(await ask(listening, basic, own.field))
    proof = ByCertificate(own.field).prove(certified.client_id, listening.issuer)
    async with listening.reach(address="10.0.0.1") as http:
        fields = {"grant_type": "client_credentials", "client_secret": "x", **proof.fields}
        answer = Answer.of(await http.post(f"{MTLS}/token", data=fields, headers=dict(proof.headers)))
    assert is_no_client(answer)

"""JWT-Secured Authorization Requests – RFC 9101; OIDC Core §6; FAPI 2.0 Message Signing §5.3.1."""

import json
import secrets
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey, Key, OctKey

from idp.domain.client import Profile
from tests.support.dpop import ProofKey, send
from tests.support.hosted import Hosted
from tests.support.html_browser import HtmlBrowser
from tests.support.jose import fitting_key, forge
from tests.support.provider import CALLBACK, HandClock, Provider
from tests.support.pushed import PUSHED, page_error, url_of, visit
from tests.support.relying_party import AuthorizationAnswer, RelyingParty

HOUR = 3600
Members = dict[str, Any]


class Signer:
    """A client that signs its requests."""

    def __init__(self, rp: RelyingParty, key: Key, alg: str = "ES256") -> None:
        self.rp, self.key, self.alg = rp, key, alg

    async def claims(self, **changes: object) -> Members:
        """Return what an object says; `changes` replace claims, None removes one."""
        request = await self.rp.authorization_request()
        now = int(self.rp.now())
        whole: Members = {
            **request.parameters, "iss": self.rp.client_id, "aud": self.rp.issuer, "iat": now, "nbf": now,
            "exp": now + 300, "jti": secrets.token_urlsafe(16), **changes,
        }  # fmt: skip
        self.rp.requests[str(whole.get("state"))] = request
        return {name: value for name, value in whole.items() if value is not None}

    async def object(self, *, header: Members | None = None, **changes: object) -> str:
        """Return a signed object."""
        members = {"alg": self.alg, "typ": "oauth-authz-req+jwt", **(header or {})}
        kept = {name: value for name, value in members.items() if value is not None}
        return forge(kept, await self.claims(**changes), self.key, self.alg)

    async def answer(self, browser: HtmlBrowser, text: str, **outer: str | None) -> AuthorizationAnswer:
        """Send an object through the browser, with a redirect URI outside for errors."""
        given: dict[str, str | None] = {
            "client_id": self.rp.client_id, "response_type": "code", "redirect_uri": CALLBACK, "state": "outside",
            "request": text, **outer,
        }  # fmt: skip
        self.rp.requests.setdefault("outside", await self.rp.authorization_request())
        kept = {name: value for name, value in given.items() if value is not None}
        return await browser.finish(self.rp, await browser.open(url_of(self.rp, kept), came_from_elsewhere=True))


async def signer(provider: Provider, alg: str = "ES256", **members: Any) -> Signer:
    """Register a client with a key of this kind."""
    key = fitting_key(alg)
    assert not isinstance(key, bytes)
    rp = await provider.client(key=key, **members)
    return Signer(rp, key, alg)


@pytest.fixture
async def client(provider: Provider) -> Signer:
    """A client of profile oauth21 that signs by ES256."""
    return await signer(provider)


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"])
async def test_a_signed_request_is_answered(provider: Provider, browser: HtmlBrowser, alg: str) -> None:
    """RFC 9101 §5.1, §6: by value, with each algorithm of the metadata."""
    client = await signer(provider, alg)

    answer = await client.answer(browser, await client.object())

    assert (await client.rp.redeem(answer.code)).status == 200


async def test_only_what_is_signed_counts(client: Signer, browser: HtmlBrowser) -> None:
    """RFC 9101 §6.3: outer parameters are no part of the request, nor is an outer state that the object lacks."""
    text = await client.object(state="inside", scope="openid")

    answer = await client.answer(browser, text, scope="openid profile email", nonce="outside")

    assert answer.state == "inside"
    tokens = await client.rp.redeem(answer.code)
    assert tokens.body["scope"] == "openid"
    assert (await client.rp.decode(tokens.id_token)).claims["nonce"] != "outside"


async def test_an_outer_state_alone_is_not_used(client: Signer, browser: HtmlBrowser) -> None:
    """RFC 9101 §6.3, FAPI 2.0: none inside is none at all."""
    text = await client.object(state=None)
    client.rp.requests[""] = next(iter(client.rp.requests.values()))

    answer = await client.answer(browser, text)

    assert answer.state is None


BAD_CLAIMS = [
    ({"iss": None}, "invalid_request_object"), ({"iss": "somebody"}, "invalid_request_object"),
    ({"aud": None}, "invalid_request_object"), ({"aud": "https://evil.example"}, "invalid_request_object"),
    ({"aud": []}, "invalid_request_object"), ({"exp": None}, "invalid_request_object"),
    ({"exp": "soon"}, "invalid_request_object"), ({"exp": True}, "invalid_request_object"),
    ({"nbf": "x"}, "invalid_request_object"), ({"jti": 7}, "invalid_request_object"),
    ({"jti": "x" * 257}, "invalid_request_object"), ({"request": "x"}, "invalid_request_object"),
    ({"request_uri": "https://rp.example/x"}, "invalid_request_object"),
    ({"client_id": None}, "invalid_request"), ({"client_id": "somebody"}, "invalid_request"),
    ({"response_type": "token"}, "invalid_request"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "error"), BAD_CLAIMS, ids=str)
async def test_claims_that_do_not_hold_are_refused(
    client: Signer, browser: HtmlBrowser, changes: Members, error: str
) -> None:
    """RFC 9101 §4, §6: told at the outer redirect URI, which is registered."""
    answer = await client.answer(browser, await client.object(**changes))

    assert (answer.error, answer.state) == (error, "outside")


@pytest.mark.parametrize(
    ("claim", "seconds", "is_good"),
    [
        ("exp", -61, False), ("exp", -59, True), ("exp", HOUR, True), ("exp", HOUR + 31, False), ("nbf", 31, False),
        ("nbf", 29, True), ("iat", 31, False), ("iat", 29, True), ("nbf", -2 * HOUR, True),
    ],
)  # fmt: skip
async def test_the_times_of_an_object_are_looked_at(
    client: Signer, browser: HtmlBrowser, claim: str, seconds: int, is_good: bool
) -> None:
    """RFC 9101 §10.2, RFC 7519 §4.1: not expired, not of the future, and good for an hour at most."""
    answer = await client.answer(browser, await client.object(**{claim: int(client.rp.now()) + seconds}))

    assert (answer.error is None) is is_good, answer.parameters


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "at+jwt"}, {"typ": "dpop+jwt"}, {"crit": ["exp"]}, {"jku": "https://rp.example/jwks"}, {"alg": "none"},
        {"alg": "HS256"}, {"kid": 7}, {"kid": "x" * 300}, {"x5u": "https://rp.example/x"}, {"zip": "DEF"},
        {"alg": None},
    ],
    ids=str,
)  # fmt: skip
async def test_a_header_that_is_not_accepted_is_refused(client: Signer, browser: HtmlBrowser, header: Members) -> None:
    """RFC 9101 §10.1, §10.8; RFC 8725 §3.1: no key or URL inside is looked at, and no other kind of token passes."""
    assert (await client.answer(browser, await client.object(header=header))).error == "invalid_request_object"


@pytest.mark.parametrize("typ", [None, "JWT", "oauth-authz-req+jwt"])
async def test_the_types_of_the_specification_pass(client: Signer, browser: HtmlBrowser, typ: str | None) -> None:
    """RFC 9101 §10.8: typ is a should."""
    assert (await client.answer(browser, await client.object(header={"typ": typ}))).code


async def test_a_signature_by_another_key_is_refused(provider: Provider, client: Signer, browser: HtmlBrowser) -> None:
    """RFC 9101 §6.2: a stranger's key, another client's, the public key as a secret, a broken signature, none."""
    claims = await client.claims()
    other = await signer(provider)
    public = client.key.as_pem(private=False) if hasattr(client.key, "as_pem") else b""
    good = forge({"alg": "ES256"}, claims, client.key, "ES256")
    texts = [
        forge({"alg": "ES256"}, claims, ECKey.generate_key("P-256"), "ES256"),
        forge({"alg": "ES256"}, claims, other.key, "ES256"),
        forge({"alg": "HS256"}, claims, public, "HS256"),
        forge({"alg": "HS256"}, claims, OctKey.generate_key(256), "HS256"),
        good[:-6] + "AAAAAA", good.rpartition(".")[0] + ".", forge({"alg": "none"}, claims, None, "none"), "x", "a.b.c",
        good + "." + good, "x" * 20_000,
    ]  # fmt: skip

    for text in texts[:-1]:
        assert (await client.answer(browser, text)).error == "invalid_request_object", text[:60]


async def test_a_registered_algorithm_is_the_only_one(provider: Provider, browser: HtmlBrowser) -> None:
    """RFC 9101 §10.5, OIDC Registration §2: request_object_signing_alg."""
    client = await signer(provider, "ES256", request_object_signing_alg="PS256")

    assert (await client.answer(browser, await client.object())).error == "invalid_request_object"


async def test_without_a_safe_address_the_error_is_a_page(client: Signer, browser: HtmlBrowser) -> None:
    """RFC 9101 §6, RFC 9700 §2.1: only an outer URI that is registered hears of an object that does not hold."""
    text = await client.object(iss="somebody")
    base = {"client_id": client.rp.client_id, "request": text}

    assert await page_error(browser, client.rp, **base) == "invalid_request_object"
    assert (
        await page_error(browser, client.rp, **base, redirect_uri="https://evil.example/") == "invalid_request_object"
    )


async def test_the_inner_redirect_uri_is_checked(client: Signer, browser: HtmlBrowser) -> None:
    """RFC 9700 §2.1: a signature makes no URI registered."""
    text = await client.object(redirect_uri="https://evil.example/")

    error = await page_error(browser, client.rp, client_id=client.rp.client_id, request=text, redirect_uri=CALLBACK)

    assert error == "invalid_request"


async def test_both_ways_at_once_are_refused(client: Signer, browser: HtmlBrowser) -> None:
    """RFC 9101 §5: request and request_uri exclude each other."""
    answer = await client.answer(browser, await client.object(), request_uri="https://rp.example/object")

    assert answer.error == "invalid_request"


async def test_an_object_is_answered_once(client: Signer, browser: HtmlBrowser) -> None:
    """RFC 9101 §10.2: its jti is spent by the answer, not by the first visit."""
    text = await client.object(state="once")

    first = await client.answer(browser, text)
    again = await client.answer(browser, text)

    assert first.code
    assert again.error == "invalid_request_object"


async def test_members_that_are_no_strings_are_read(client: Signer, browser: HtmlBrowser) -> None:
    """RFC 9101 §4: numbers and objects stand as JSON."""
    text = await client.object(max_age=0, claims={"id_token": {"email": None}}, state="json")

    answer = await client.answer(browser, text)

    assert "email" in (await client.rp.decode((await client.rp.redeem(answer.code)).id_token)).claims


async def test_who_registered_to_sign_sends_no_plain_request(provider: Provider, browser: HtmlBrowser) -> None:
    """RFC 9101 §10.5."""
    client = await signer(provider, require_signed_request_object=True)

    assert (await browser.answer(client.rp)).error == "invalid_request"
    assert (await client.answer(browser, await client.object())).code


async def test_an_object_is_pushed_too(client: Signer, browser: HtmlBrowser) -> None:
    """RFC 9126 §3: a bad one is refused at once, in JSON."""
    bad = await client.rp.post(PUSHED, {"client_id": client.rp.client_id, "request": await client.object(aud="x")})
    good = await client.rp.post(PUSHED, {"client_id": client.rp.client_id, "request": await client.object()})

    assert (bad.status, bad.error) == (400, "invalid_request_object")
    assert (await visit(browser, client.rp, good.body["request_uri"])).code


async def test_a_proof_binds_the_code_of_a_pushed_object(
    client: Signer, browser: HtmlBrowser, clock: HandClock
) -> None:
    """RFC 9449 §10.1: also where only what is signed counts, and the object does not name the key."""
    key = ProofKey(now=clock.timestamp)
    pushed = await send(
        client.rp, PUSHED, key.proof("POST", f"{client.rp.issuer}/par"), client_id=client.rp.client_id,
        request=await client.object(),
    )  # fmt: skip
    assert pushed.status == 201, pushed.text
    code = (await visit(browser, client.rp, pushed.body["request_uri"])).code

    assert (await client.rp.redeem(code)).error == "invalid_request"
    url, request = f"{client.rp.issuer}/token", client.rp.codes[code]
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    for proof, status in ((ProofKey(now=clock.timestamp), 400), (key, 200)):
        answer = await send(
            client.rp, "token_endpoint", proof.proof("POST", url), code_verifier=request.verifier, **fields
        )
        assert answer.status == status, answer.text


async def test_an_object_with_another_key_than_the_proofs_is_refused(client: Signer, clock: HandClock) -> None:
    """RFC 9449 §10.1: both and different is invalid_request, wherever the one stands."""
    key, other = ProofKey(now=clock.timestamp), ProofKey(now=clock.timestamp)
    for named, status in ((other, 400), (key, 201)):
        answer = await send(
            client.rp, PUSHED, key.proof("POST", f"{client.rp.issuer}/par"), client_id=client.rp.client_id,
            request=await client.object(dpop_jkt=named.thumbprint),
        )  # fmt: skip
        assert (answer.status, answer.error) == (status, "invalid_request" if status == 400 else None)


@pytest.mark.parametrize("resource", [[1], [{}], [None], 5, {}], ids=str)
async def test_a_resource_that_is_no_string_is_an_invalid_target(client: Signer, resource: object) -> None:
    """RFC 8707 §2: what cannot be meant is refused, and not taken for no resource at all."""
    pushed = await client.rp.post(PUSHED, {"request": await client.object(resource=resource)})

    assert (pushed.status, pushed.error) == (400, "invalid_target")


async def test_a_reference_is_for_profile_oidc(provider: Provider, client: Signer, browser: HtmlBrowser) -> None:
    """RFC 9101 §5.2, §10.4: nothing is fetched for anybody else."""
    answer = await client.answer(browser, "", request=None, request_uri="https://rp.example/object")

    assert answer.error == "request_uri_not_supported"


@pytest.fixture
async def remote(open_provider: Provider, website: Hosted) -> Signer:
    """A client of profile oidc that keeps its objects at its own server."""
    uri = website.url("/object#1")
    return await signer(open_provider, "RS256", profile=Profile.OIDC, request_uris=[uri])


async def test_a_registered_reference_is_fetched_without_its_fragment(
    open_provider: Provider, remote: Signer, website: Hosted
) -> None:
    """OIDC Core §6.2: an object of an oidc client may lack iss, aud, exp and jti; each visit fetches anew."""
    text = await remote.object(iss=None, aud=None, exp=None, jti=None)
    website.put("/object", text.encode(), "application/jwt")
    uri = website.url("/object#1")

    async with open_provider.browser(await open_provider.person()) as browser:
        answer = await remote.answer(browser, "", request=None, request_uri=uri)

    assert (await remote.rp.redeem(answer.code)).status == 200


@pytest.mark.parametrize("uri", ["/object", "/object#2", "/other#1"])
async def test_a_reference_is_registered_byte_for_byte(
    open_provider: Provider, remote: Signer, website: Hosted, uri: str
) -> None:
    """OIDC Core §6.2: compared with its fragment; nothing else is fetched."""
    website.put("/object", (await remote.object()).encode(), "application/jwt")
    before = len(website.asked)

    async with open_provider.browser() as browser:
        answer = await remote.answer(browser, "", request=None, request_uri=website.url(uri))

    assert (answer.error, len(website.asked)) == ("invalid_request_uri", before)


async def test_an_object_that_cannot_be_had_is_refused(
    open_provider: Provider, remote: Signer, website: Hosted
) -> None:
    """RFC 9101 §7: invalid_request_uri, for what is missing, moved or too large."""
    async with open_provider.browser() as browser:
        website.put("/object", b"x" * 70_000, "application/jwt")
        large = await remote.answer(browser, "", request=None, request_uri=website.url("/object#1"))
        website.put("/object", b"<html>", "text/html")
        other = await remote.answer(browser, "", request=None, request_uri=website.url("/object#1"))

    assert (large.error, other.error) == ("invalid_request_uri", "invalid_request_uri")


async def test_what_a_key_signed_that_just_appeared_is_accepted(
    open_provider: Provider, website: Hosted, clock: HandClock
) -> None:
    """OIDC Core §10.1: jwks_uri is asked again for an unknown kid."""
    key = ECKey.generate_key("P-256", {"kid": "first"}, private=True)
    website.put("/jwks-jar", json.dumps({"keys": [key.as_dict(private=False)]}).encode())
    rp = await open_provider.client(jwks_uri=website.url("/jwks-jar"))
    client = Signer(rp, key)
    async with open_provider.browser(await open_provider.person()) as browser:
        assert (await client.answer(browser, await client.object(header={"kid": "first"}))).code
        client.key = ECKey.generate_key("P-256", {"kid": "second"}, private=True)
        website.put("/jwks-jar", json.dumps({"keys": [client.key.as_dict(private=False)]}).encode())
        open_provider.clock.advance(timedelta(seconds=60))
        assert (await client.answer(browser, await client.object(header={"kid": "second"}))).code

"""Encrypted and signed answers – OIDC Core §10.2, §5.3.2, §2, RFC 9701: sign, then encrypt, to the client's own key."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import ECKey, Key, RSAKey

from idp.oauth.remote_keys import FRESH, USABLE
from idp.policy.encryption import ALGS, ENCS
from tests.support.databases import fresh_database
from tests.support.hosted import Hosted
from tests.support.html_browser import HtmlBrowser
from tests.support.provider import CALLBACK, SIGNED_OUT, Person, Provider, at_once
from tests.support.registrant import Registrant
from tests.support.relying_party import Answer, RelyingParty, half_hash
from tests.support.signals import claims_of

RSA = RSAKey.generate_key(2048, {"use": "enc", "kid": "r1"})
EC = ECKey.generate_key("P-256", {"use": "enc", "kid": "e1"})
JWKS = {"keys": [key.as_dict(private=False) for key in (RSA, EC)]}
INTROSPECTION = "application/token-introspection+jwt"


def key_for(alg: str) -> Key:
    return RSA if alg.startswith("RSA") else EC


def opened(text: str, alg: str, enc: str = "A128CBC-HS256", key: Key | None = None) -> tuple[dict[str, Any], str]:
    """Return header and content of a JWE, opened as a client does that expects just this pair."""
    registry = jwe.JWERegistry(algorithms=[alg, enc])
    found = jwe.decrypt_compact(text, key or key_for(alg), registry=registry)
    return dict(found.headers()), (found.plaintext or b"").decode()


async def client(provider: Provider, **members: Any) -> RelyingParty:
    return await provider.client(is_first_party=True, **{"jwks": JWKS, **members})


async def visit(browser: HtmlBrowser, rp: RelyingParty) -> Answer:
    answer = await rp.redeem(await browser.authorize(rp))
    assert answer.status == 200, answer.text
    return answer


@pytest.mark.parametrize("alg", ALGS)
@pytest.mark.parametrize("enc", ENCS)
async def test_an_id_token_is_signed_and_then_encrypted(
    provider: Provider, browser: HtmlBrowser, person: Person, alg: str, enc: str
) -> None:
    """OIDC Core §2, §16.14: nested, `cty` JWT; the inner one is an ID token like any other."""
    rp = await client(provider, id_token_encrypted_response_alg=alg, id_token_encrypted_response_enc=enc)

    tokens = await visit(browser, rp)
    header, inner = opened(tokens.id_token, alg, enc)

    assert {"alg": alg, "enc": enc, "cty": "JWT", "kid": key_for(alg).kid}.items() <= header.items()
    claims = (await rp.decode(inner)).claims
    assert (claims["iss"], claims["aud"], claims["sub"]) == (rp.issuer, rp.client_id, person.id)
    assert claims["at_hash"] == half_hash(tokens.access_token, "RS256")


async def test_the_usual_enc_is_a128cbc_hs256_and_refreshed_tokens_are_encrypted_too(
    provider: Provider, browser: HtmlBrowser
) -> None:
    """OIDC Registration §2."""
    rp = await client(provider, id_token_encrypted_response_alg="ECDH-ES")

    later = await rp.refresh((await visit(browser, rp)).refresh_token)

    header, inner = opened(later.id_token, "ECDH-ES")
    assert header["enc"] == "A128CBC-HS256"
    assert "nonce" not in claims_of(inner)


async def test_each_token_has_a_content_key_of_its_own(provider: Provider, browser: HtmlBrowser) -> None:
    """RFC 7516 §11.1, RFC 7518 §4.6: the ephemeral key is new each time."""
    rp = await client(provider, id_token_encrypted_response_alg="ECDH-ES+A128KW")

    headers = [opened((await visit(browser, rp)).id_token, "ECDH-ES+A128KW")[0] for _ in range(2)]

    assert headers[0]["epk"] != headers[1]["epk"]


async def test_the_token_inside_is_a_hint_and_the_encrypted_one_is_not(
    provider: Provider, browser: HtmlBrowser
) -> None:
    """OIDC Core §3.1.2.1."""
    rp = await client(provider, id_token_encrypted_response_alg="RSA-OAEP-256", post_logout_redirect_uris=[SIGNED_OUT])
    tokens = await visit(browser, rp)
    _header, inner = opened(tokens.id_token, "RSA-OAEP-256")

    assert (await at_once(browser, rp, prompt="none", id_token_hint=tokens.id_token)).error == "invalid_request"
    assert (await at_once(browser, rp, prompt="none", id_token_hint=inner)).code
    url = f"{rp.issuer}/end_session?id_token_hint={inner}&post_logout_redirect_uri={SIGNED_OUT}"
    assert (await browser.open(url, came_from_elsewhere=True)).location == SIGNED_OUT


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
async def test_userinfo_is_signed_for_the_client(
    provider: Provider, browser: HtmlBrowser, person: Person, alg: str
) -> None:
    """OIDC Core §5.3.2: application/jwt, with iss and aud; no nonce."""
    rp = await client(provider, userinfo_signed_response_alg=alg)
    tokens = await visit(browser, rp)

    answer = await rp.userinfo(tokens.access_token)

    assert answer.headers["content-type"] == "application/jwt"
    assert answer.headers["cache-control"] == "no-store"
    token = await rp.decode(answer.text)
    assert token.header["alg"] == alg
    claims = token.claims
    assert (claims["iss"], claims["aud"], claims["sub"]) == (rp.issuer, rp.client_id, person.id)
    assert claims["name"] == "Ada Lovelace"
    assert not {"nonce", "exp"} & claims.keys()


async def test_signed_userinfo_is_nothing_but_userinfo(provider: Provider, browser: HtmlBrowser) -> None:
    """RFC 8725 §3.11: it has all claims that an ID token hint needs, and is none."""
    rp = await client(provider, userinfo_signed_response_alg="RS256")
    text = (await rp.userinfo((await visit(browser, rp)).access_token)).text

    assert (await at_once(browser, rp, prompt="none", id_token_hint=text)).error == "invalid_request"
    assert (await rp.userinfo(text)).status == 401
    assert not await rp.is_active(text)


async def test_errors_of_userinfo_stay_plain(provider: Provider, browser: HtmlBrowser) -> None:
    """OIDC Core §5.3.3, RFC 6750 §3."""
    rp = await client(provider, userinfo_signed_response_alg="RS256")
    await visit(browser, rp)

    answer = await rp.userinfo("nonsense")

    assert (answer.status, answer.error) == (401, "invalid_token")


async def test_userinfo_is_encrypted_alone(provider: Provider, browser: HtmlBrowser, person: Person) -> None:
    """OIDC Core §5.3.2: a JWE of the plain JSON."""
    rp = await client(provider, userinfo_encrypted_response_alg="ECDH-ES", userinfo_encrypted_response_enc="A256GCM")

    answer = await rp.userinfo((await visit(browser, rp)).access_token)

    assert answer.headers["content-type"] == "application/jwt"
    header, inner = opened(answer.text, "ECDH-ES", "A256GCM")
    assert "cty" not in header
    assert json.loads(inner)["sub"] == person.id
    assert "iss" not in json.loads(inner)


async def test_userinfo_is_signed_and_then_encrypted(provider: Provider, browser: HtmlBrowser, person: Person) -> None:
    """OIDC Core §5.3.2."""
    rp = await client(provider, userinfo_signed_response_alg="PS256", userinfo_encrypted_response_alg="RSA-OAEP-256")

    answer = await rp.userinfo((await visit(browser, rp)).access_token)

    header, inner = opened(answer.text, "RSA-OAEP-256")
    assert header["cty"] == "JWT"
    claims = (await rp.decode(inner)).claims
    assert (claims["sub"], claims["aud"]) == (person.id, rp.client_id)


async def asked(rp: RelyingParty, token: str, accept: str = INTROSPECTION) -> Answer:
    return await rp.post("introspection_endpoint", {"token": token}, headers={"Accept": accept})


@pytest.mark.parametrize(("registered", "alg"), [(None, "RS256"), ("ES256", "ES256"), ("EdDSA", "EdDSA")])
async def test_introspection_is_signed_for_who_asks(
    provider: Provider, browser: HtmlBrowser, registered: str | None, alg: str
) -> None:
    """RFC 9701 §5: typ, iss, aud, iat, token_introspection; no `sub` and no `exp` of its own."""
    rp = await client(provider, introspection_signed_response_alg=registered)
    tokens = await visit(browser, rp)

    answer = await asked(rp, tokens.access_token)
    plain = await rp.introspect(tokens.access_token)

    assert answer.headers["content-type"] == INTROSPECTION
    assert answer.headers["cache-control"] == "no-store"
    token = await rp.decode(answer.text)
    assert (token.header["typ"], token.header["alg"]) == ("token-introspection+jwt", alg)
    assert token.claims == {
        "iss": rp.issuer, "aud": rp.client_id, "iat": int(provider.clock.timestamp()),
        "token_introspection": plain.body,
    }  # fmt: skip
    assert plain.headers["content-type"] == "application/json"


async def test_a_dead_token_is_told_in_the_same_form(provider: Provider) -> None:
    """RFC 9701 §5, RFC 7662 §2.2: active is false, and no more."""
    rp = await client(provider)

    token = await rp.decode((await asked(rp, "nonsense")).text)

    assert token.claims["token_introspection"] == {"active": False}


@pytest.mark.parametrize(
    ("accept", "is_signed"),
    [
        (f"application/json, {INTROSPECTION}", True), (f"{INTROSPECTION.upper()};q=0.9", True), ("*/*", False),
        ("application/json", False), (f"{INTROSPECTION};q=0", False), ("application/jwt", False),
    ],
)  # fmt: skip
async def test_the_accept_header_decides(provider: Provider, accept: str, is_signed: bool) -> None:
    """RFC 9701 §4."""
    rp = await client(provider)

    answer = await asked(rp, "nonsense", accept)

    assert (answer.headers["content-type"] == INTROSPECTION) is is_signed


async def test_introspection_is_encrypted_for_who_registered_that(provider: Provider, browser: HtmlBrowser) -> None:
    """RFC 9701 §5, §6."""
    rp = await client(
        provider, introspection_encrypted_response_alg="RSA-OAEP-256", introspection_encrypted_response_enc="A128GCM"
    )
    tokens = await visit(browser, rp)

    header, inner = opened((await asked(rp, tokens.access_token)).text, "RSA-OAEP-256", "A128GCM")

    assert header["cty"] == "JWT"
    assert (await rp.decode(inner)).claims["token_introspection"]["active"] is True


async def test_an_introspection_answer_is_no_token(provider: Provider, browser: HtmlBrowser) -> None:
    """RFC 9701 §8.1."""
    rp = await client(provider)
    text = (await asked(rp, (await visit(browser, rp)).access_token)).text

    assert (await rp.userinfo(text)).status == 401
    assert not await rp.is_active(text)
    assert (await at_once(browser, rp, prompt="none", id_token_hint=text)).error == "invalid_request"


@pytest.fixture(scope="module")
async def reaching(tmp_path_factory: pytest.TempPathFactory, website: Hosted) -> AsyncIterator[Provider]:
    """A provider that may fetch from the client's web server."""
    folder: Path = tmp_path_factory.mktemp("reaching")
    settings = {"IDP_OUTBOUND_ALLOW": website.place, "IDP_CLIENT_REGISTRATION": "open"}
    async with fresh_database("sqlite", folder) as url, Provider.running(folder, url, settings=settings) as made:
        yield made


@pytest.mark.parametrize("way", ["id_token", "userinfo", "introspection"])
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_keys_elsewhere_are_fetched_when_an_answer_needs_them(
    reaching: Provider, website: Hosted, way: str, method: str
) -> None:
    """OIDC Core §10.2: whichever way the client proves itself; before any transaction waits for them."""
    path = f"/keys-{way}-{method}"
    url = website.put(path, json.dumps(JWKS).encode())
    rp = await client(
        reaching, jwks=None, jwks_uri=url, method=method, **{f"{way}_encrypted_response_alg": "ECDH-ES+A256KW"}
    )
    async with reaching.browser(await reaching.person()) as browser:
        tokens = await visit(browser, rp)
        reaching.clock.advance(USABLE)  # what was learnt on the way is too old
        website.asked.clear()
        match way:
            case "id_token":
                text = (await rp.refresh(tokens.refresh_token)).id_token
            case "userinfo":
                access_token = await fresh(reaching, rp, tokens)
                website.asked.clear()
                text = (await rp.userinfo(access_token)).text
            case _:
                text = (await asked(rp, "nonsense")).text

    assert opened(text, "ECDH-ES+A256KW")[0]["kid"] == "e1"
    assert website.asked == [path]


async def fresh(provider: Provider, rp: RelyingParty, tokens: Answer) -> str:
    """Return a new access token, with the process as if it had never fetched the client's keys."""
    access_token = (await rp.refresh(tokens.refresh_token)).access_token
    keys = provider.site.engine.remote_keys
    assert keys is not None
    keys._kept.clear()
    return access_token


async def test_a_new_key_is_used_when_the_set_is_fetched_again(reaching: Provider, website: Hosted) -> None:
    """§10.2.1: ten minutes later at the latest."""
    new = ECKey.generate_key("P-256", {"use": "enc", "kid": "e2"})
    url = website.put("/rotating", json.dumps(JWKS).encode())
    rp = await client(reaching, jwks=None, jwks_uri=url, id_token_encrypted_response_alg="ECDH-ES")
    async with reaching.browser(await reaching.person()) as browser:
        tokens = await visit(browser, rp)
    website.put("/rotating", json.dumps({"keys": [new.as_dict(private=False)]}).encode())

    at_first = await rp.refresh(tokens.refresh_token)
    reaching.clock.advance(FRESH)
    later = await rp.refresh(at_first.refresh_token)

    assert opened(at_first.id_token, "ECDH-ES")[0]["kid"] == "e1"
    assert opened(later.id_token, "ECDH-ES", key=new)[0]["kid"] == "e2"


@pytest.mark.parametrize("way", ["id_token", "userinfo", "introspection"])
async def test_without_a_fitting_key_nothing_is_told_in_the_clear(
    provider: Provider, browser: HtmlBrowser, way: str
) -> None:
    """The key vanished after it was registered: an error that says what is missing."""
    rp = await client(provider, **{f"{way}_encrypted_response_alg": "RSA-OAEP-256"})
    tokens, registered = await visit(browser, rp), await provider.registration(rp)
    async with provider.site.transactions.open(write=True) as stores:
        only = {"keys": [EC.as_dict(private=False)]}
        await stores.clients.save(replace(registered, jwks=only), provider.clock.now())
    await provider.settle()

    answers = {
        "id_token": rp.refresh(tokens.refresh_token), "userinfo": rp.userinfo(tokens.access_token),
        "introspection": asked(rp, tokens.access_token),
    }  # fmt: skip
    answer = await answers.pop(way)
    for other in answers.values():
        other.close()

    assert (answer.status, answer.error) == (400, "invalid_request")
    assert "RSA-OAEP-256" in answer.body["error_description"]


async def test_the_code_is_not_spent_by_a_missing_key(provider: Provider, browser: HtmlBrowser) -> None:
    """What can be mended is refused before anything is spent."""
    rp = await client(provider, id_token_encrypted_response_alg="RSA-OAEP-256")
    registered, code = await provider.registration(rp), await browser.authorize(rp)
    for keys, status in (({"keys": [EC.as_dict(private=False)]}, 400), (JWKS, 200)):
        async with provider.site.transactions.open(write=True) as stores:
            await stores.clients.save(replace(registered, jwks=keys), provider.clock.now())
        await provider.settle()

        assert (await rp.redeem(code)).status == status


REFUSED = {
    "enc alone": {"id_token_encrypted_response_enc": "A128GCM"},
    "RSA1_5": {"id_token_encrypted_response_alg": "RSA1_5"},
    "dir": {"userinfo_encrypted_response_alg": "dir"},
    "no key for it": {"introspection_encrypted_response_alg": "ECDH-ES", "jwks": {"keys": [JWKS["keys"][0]]}},
    "no keys at all": {"id_token_encrypted_response_alg": "ECDH-ES", "jwks": None},
    "none": {"userinfo_signed_response_alg": "none"},
    "HS256": {"introspection_signed_response_alg": "HS256"},
    "encrypted request objects": {"request_object_encryption_alg": "RSA-OAEP-256"},
}


@pytest.mark.parametrize("members", REFUSED.values(), ids=REFUSED)
async def test_what_cannot_be_done_is_refused_at_registration(reaching: Provider, members: dict[str, Any]) -> None:
    """RFC 7591 §3.2.2."""
    anybody = Registrant(reaching.http, reaching.issuer)

    answer = await anybody.register(redirect_uris=[CALLBACK], **{"jwks": JWKS, **members})

    assert (answer.status, answer.error) == (400, "invalid_client_metadata")


async def test_what_was_registered_is_told(reaching: Provider) -> None:
    """OIDC Registration §2, RFC 9701 §6."""
    members = {
        "id_token_encrypted_response_alg": "ECDH-ES", "id_token_encrypted_response_enc": "A256GCM",
        "userinfo_signed_response_alg": "ES256", "userinfo_encrypted_response_alg": "RSA-OAEP-256",
        "introspection_signed_response_alg": "EdDSA", "introspection_encrypted_response_alg": "ECDH-ES+A128KW",
    }  # fmt: skip
    anybody = Registrant(reaching.http, reaching.issuer)

    registered = await anybody.registered(redirect_uris=[CALLBACK], jwks=JWKS, **members)

    assert members.items() <= registered.items()


async def test_the_metadata_lists_what_works_and_nothing_else(provider: Provider) -> None:
    """OIDC Discovery §3, RFC 9701 §7."""
    metadata = await provider.metadata()

    for what in ("id_token", "userinfo", "introspection"):
        assert metadata[f"{what}_encryption_alg_values_supported"] == list(ALGS)
        assert metadata[f"{what}_encryption_enc_values_supported"] == list(ENCS)
    for what in ("userinfo", "introspection"):
        assert metadata[f"{what}_signing_alg_values_supported"] == ["RS256", "PS256", "ES256", "EdDSA"]

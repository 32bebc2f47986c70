"""TK22, TK23, TK31: client authentication that is doubled, downgraded or garbled (RFC 6749 §2.3)."""

import base64

import pytest
from joserfc.jwk import ECKey

from tests.support.attacker import FORM, is_no_client, machine, token
from tests.support.client_auth import Assertion, Basic, Post, Public
from tests.support.known_secret import client_of_secret
from tests.support.relying_party import RelyingParty
from tests.support.target import Target

KEY = ECKey.generate_key("P-256", {"kid": "k1", "alg": "ES256"})


def secret_of(rp: RelyingParty) -> str:
    assert isinstance(rp.auth, Basic | Post)
    return rp.auth.secret


async def test_tk22_two_methods_at_once_are_is_no_client(provider: Target) -> None:
    basic, keyed = await machine(provider), await machine(provider, "private_key_jwt", key=KEY)
    assertion = keyed.auth.prove(keyed.client_id, keyed.issuer).fields

    answers = [
        await token(basic, client_id=basic.client_id, client_secret=secret_of(basic)),
        await token(basic, **assertion),
        await token(keyed, client_id=keyed.client_id, client_secret="x"),
        await keyed.post(
            "token_endpoint",
            {"grant_type": "client_credentials"},
            headers=dict(basic.auth.prove(basic.client_id, basic.issuer).headers),
        ),
    ]

    assert [(answer.status, answer.error) for answer in answers] == [(400, "invalid_request")] * 4


async def test_tk22_only_the_registered_method_counts(provider: Target) -> None:
    basic, post = await machine(provider), await machine(provider, "client_secret_post")
    keyed, hmac_ = await machine(provider, "private_key_jwt", key=KEY), await machine(provider, "client_secret_jwt")

    assert is_no_client(await token(basic, Post(secret_of(basic))))
    assert is_no_client(await token(post, Basic(secret_of(post))))
    assert is_no_client(await token(basic, Assertion.with_secret(secret_of(basic), now=provider.clock.timestamp)))  # type: ignore[arg-type]
    assert is_no_client(await token(hmac_, Post(hmac_.auth.key.raw_value.decode())))  # type: ignore[attr-defined]
    for rp in (basic, post, keyed, hmac_):
        assert is_no_client(await token(rp, Public()))
        assert is_no_client(await token(rp, Basic("")))
        assert is_no_client(await token(rp, Post("")))
        assert (await token(rp)).status == 200


@pytest.mark.parametrize("endpoint", ["token_endpoint", "introspection_endpoint", "revocation_endpoint"])
async def test_tk22_the_rule_holds_at_every_endpoint(provider: Target, endpoint: str) -> None:
    rp = await provider.client()

    wrong = await rp.post(endpoint, {"token": "x"}, auth=Post(secret_of(rp)))
    none = await rp.post(endpoint, {"token": "x"}, auth=Public())
    both = await rp.post(endpoint, {"token": "x", "client_secret": secret_of(rp)})

    expected = (400, "invalid_request") if endpoint == "token_endpoint" else (401, "invalid_client")
    assert [(each.status, each.error) for each in (wrong, none)] == [expected] * 2
    assert (both.status, both.error) == (400, "invalid_request")


async def test_tk22_unknown_client_wrong_secret_and_wrong_method_look_alike(provider: Target) -> None:
    basic, public = await machine(provider), await provider.client(method="none")
    disabled = await machine(provider)
    await provider.site.clients.set_active(await provider.registration(disabled), is_active=False)

    answers = [
        await basic.post("token_endpoint", {"grant_type": "client_credentials"}, headers=_basic(client_id, secret))
        for client_id, secret in (
            ("c-nobody", "x"),
            (basic.client_id, "wrong"),
            (public.client_id, "x"),
            (disabled.client_id, secret_of(disabled)),
        )
    ]

    assert len({answer.text for answer in answers}) == 1
    assert all(map(is_no_client, answers))
    assert {answer.headers["www-authenticate"] for answer in answers} == {'Basic realm="token"'}


def _basic(client_id: str, secret: str) -> dict[str, str]:
    return dict(Basic(secret).prove(client_id, "").headers)


def encoded(text: bytes | str) -> str:
    return "Basic " + base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic " + base64.b64encode(b"x").decode(),
        "Basic YWJj=",
        "Basic YWJ",
        encoded("no colon"),
        encoded(":"),
        encoded("c-nobody:"),
        encoded(":secret"),
        encoded(b"\xff\xfe:\xff"),
        encoded("%ff%fe:%ff"),
        encoded("%zz:%"),
        encoded("\x00:\x00"),
        encoded("é:é"),
        encoded("x" * 200 + ":y"),
        encoded("x:" + "y" * 5000),
        "Bearer x",
        "Digest username=x",
        "x" * 5000,
    ],
)
async def test_tk23_a_garbled_authorization_header_is_no_client(provider: Target, header: str) -> None:
    headers = {"Authorization": header, **FORM}

    answer = await provider.http.post(
        f"{provider.issuer}/token", content="grant_type=client_credentials", headers=headers
    )

    assert answer.status_code in (400, 401)
    assert answer.json()["error"] in ("invalid_client", "invalid_request")


@pytest.mark.parametrize(
    "secret",
    ["with:colon and space", "plus+percent%equal=", "üñï©ödé-sécret", "tab\tand/slash?&#", "a" * 400],
)
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_tk23_a_secret_of_any_characters_passes_when_it_is_encoded(
    provider: Target, method: str, secret: str
) -> None:
    members = {"grant_types": ["client_credentials"], "scope": "api", "token_endpoint_auth_method": method}
    client = await client_of_secret(provider.site, secret, client_name="Odd", **members)
    auth = Basic(secret) if method == "client_secret_basic" else Post(secret)
    rp = RelyingParty(provider.http, provider.issuer, client.id, auth)

    assert (await token(rp)).status == 200
    assert is_no_client(await token(rp, type(auth)(secret + "x")))
    assert is_no_client(await token(rp, type(auth)(secret[:-1])))


@pytest.mark.parametrize("header", ["X-Client-Cert", "Client-Cert", "X-SSL-Client-Cert", "X-Forwarded-Client-Cert"])
async def test_tk31_a_certificate_in_a_header_proves_nothing(provider: Target, header: str) -> None:
    """Where no listener asks for certificates they are not advertised, and headers that speak of them are noise."""
    rp = await machine(provider)
    headers = {header: ":MIIB:", **FORM}

    answer = await rp.post("token_endpoint", {"grant_type": "client_credentials"}, auth=Public(), headers=headers)

    assert is_no_client(answer)
    metadata = await provider.metadata()
    assert not [name for name in metadata if "tls" in name or "mtls" in name]
    assert not [each for each in metadata["token_endpoint_auth_methods_supported"] if "tls" in each]

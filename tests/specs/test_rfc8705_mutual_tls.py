"""Mutual TLS – RFC 8705: clients that prove themselves by a certificate, and tokens that are bound to one."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from idp.domain.client import BadClient, Profile
from tests.support.certificates import DN, ByCertificate, Certificate, certificate
from tests.support.databases import fresh_database
from tests.support.provider import Provider
from tests.support.relying_party import Answer, RelyingParty

MTLS = "https://mtls.idp.example"
TOKEN = {"grant_type": "client_credentials"}


@pytest.fixture(scope="module")
async def behind_proxy(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    """A provider behind a trusted proxy that asks for certificates."""
    folder = tmp_path_factory.mktemp("mtls")
    settings = {"IDP_MTLS_URL": MTLS, "IDP_TRUSTED_PROXIES": "127.0.0.0/8"}
    async with fresh_database("sqlite", folder) as url, Provider.running(folder, url, settings=settings) as provider:
        yield provider


async def machine(provider: Provider, method: str = "tls_client_auth", **members: Any) -> RelyingParty:
    """Register a machine that proves itself by a certificate."""
    if method == "tls_client_auth" and not any(name.startswith("tls_client_auth_") for name in members):
        members["tls_client_auth_subject_dn"] = DN
    rp = await provider.client(
        method=method, grant_types=["client_credentials"], redirect_uris=None, scope="reports.read", **members
    )
    return at_listener(rp)


def at_listener(rp: RelyingParty) -> RelyingParty:
    """Let a client use the listener that asks for certificates, as it does by the metadata (RFC 8705 §5)."""
    rp._metadata = rp._metadata | rp._metadata.get("mtls_endpoint_aliases", {})
    return rp


async def ask(rp: RelyingParty, headers: dict[str, str], **fields: str) -> Answer:
    """Ask for a token with what a proxy tells."""
    return await rp.post("token_endpoint", TOKEN | fields, auth=ByCertificate(headers))


@pytest.mark.parametrize("told", ["rfc9440", "nginx"])
async def test_a_certificate_proves_its_client(behind_proxy: Provider, told: str) -> None:
    """RFC 8705 §2.1: by the subject that was registered, as either kind of proxy tells it."""
    rp, own = await machine(behind_proxy), certificate()

    answer = await ask(rp, own.field if told == "rfc9440" else own.nginx())

    assert answer.status == 200, answer.text


@pytest.mark.parametrize(
    "spelt",
    ["cn=reports,ou=Accounts,o=Harbour Books,c=GB", "2.5.4.3=reports,OU=Accounts,O=Harbour Books,C=GB"],
)
async def test_a_subject_is_compared_by_its_parts(behind_proxy: Provider, spelt: str) -> None:
    """RFC 8705 §2.1.2, RFC 4514: spaces and the spelling of types are no difference."""
    rp = await machine(behind_proxy, tls_client_auth_subject_dn=spelt)

    assert (await ask(rp, certificate().field)).status == 200


@pytest.mark.parametrize(
    "dn",
    ["CN=reports", "CN=Reports,OU=Accounts,O=Harbour Books,C=GB", "C=GB,O=Harbour Books,OU=Accounts,CN=reports",
     "CN=reports+UID=1,OU=Accounts,O=Harbour Books,C=GB", "CN=reports\\,OU=Accounts,O=Harbour Books,C=GB"],
)  # fmt: skip
async def test_another_subject_is_another_client(behind_proxy: Provider, dn: str) -> None:
    """RFC 8705 §2.1.2."""
    answer = await ask(await machine(behind_proxy), certificate(dn).field)

    assert (answer.status, answer.error) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("kind", "own", "other"),
    [("dns", "Reports.example", "reports.example.evil"), ("uri", "https://rp.example/a", "https://rp.example/b"),
     ("ip", "2001:db8:0:0::1", "2001:db8::2"), ("email", "reports@rp.example", "other@rp.example")],
)  # fmt: skip
async def test_an_alternative_name_proves_its_client(behind_proxy: Provider, kind: str, own: str, other: str) -> None:
    """RFC 8705 §2.1.2: exactly the one kind that was registered; the subject is of no account then."""
    rp = await machine(behind_proxy, **{f"tls_client_auth_san_{kind}": own})

    wrong = [
        certificate(),
        certificate(**{kind: other}),
        certificate(**{"email" if kind == "dns" else "dns": "x.example"}),
    ]

    assert [(await ask(rp, each.field)).status for each in wrong] == [401] * 3
    assert (await ask(rp, certificate("CN=anything", **{kind: own}).field)).status == 200


async def test_a_chain_that_was_not_verified_proves_nothing(behind_proxy: Provider) -> None:
    """RFC 8705 §2.1: the proxy says that it verified it; nginx by a header of its own."""
    rp, own = await machine(behind_proxy), certificate()

    told = [own.nginx("FAILED:unable to verify"), own.nginx("NONE"), {"X-Client-Cert": own.nginx()["X-Client-Cert"]},
            own.field | {"X-Client-Verify": "FAILED"}]  # fmt: skip

    assert [(await ask(rp, each)).status for each in told] == [401] * len(told)


async def test_a_self_signed_certificate_stands_in_the_key_set(behind_proxy: Provider) -> None:
    """RFC 8705 §2.2: byte for byte; whether its chain was verified is of no account."""
    own = certificate()
    rp = await machine(behind_proxy, "self_signed_tls_client_auth", jwks=own.jwks())

    assert (await ask(rp, own.nginx("FAILED:self-signed certificate"))).status == 200
    assert (await ask(rp, certificate().nginx())).status == 401


BAD_HEADERS = [
    {"Client-Cert": "x"}, {"Client-Cert": ":x:"}, {"Client-Cert": "::"}, {"Client-Cert": ":" + "A" * 12000 + ":"},
    {"X-Client-Cert": "x", "X-Client-Verify": "SUCCESS"}, {"X-Client-Cert": "%00", "X-Client-Verify": "SUCCESS"}, {},
]  # fmt: skip


@pytest.mark.parametrize("headers", BAD_HEADERS, ids=lambda each: str(each)[:40])
async def test_what_is_no_certificate_proves_nothing(behind_proxy: Provider, headers: dict[str, str]) -> None:
    """RFC 9440 §2.2: a fault in it is no certificate at all."""
    answer = await ask(await machine(behind_proxy), headers)

    assert (answer.status, answer.error) == (401, "invalid_client")


async def test_two_headers_that_tell_are_none(behind_proxy: Provider) -> None:
    """RFC 9440 §2.2: several values come from somebody who adds to what the proxy says."""
    rp, own = await machine(behind_proxy), certificate()

    assert (await ask(rp, own.field | own.nginx())).status == 401


async def test_only_a_trusted_proxy_is_heard(provider: Provider, behind_proxy: Provider) -> None:
    """RFC 8705 §6.5, RFC 9440 §4: from anybody else these headers are dropped unread."""
    rp, own = await machine(behind_proxy), certificate()
    stranger = httpx2.ASGITransport(app=behind_proxy.transport.app, client=("203.0.113.9", 1))
    async with httpx2.AsyncClient(transport=stranger) as http:
        fields = {**TOKEN, "client_id": rp.client_id}
        answer = await http.post(f"{MTLS}/token", data=fields, headers=own.field)

    assert answer.status_code == 401


async def test_a_certificate_counts_only_where_one_is_asked_for(behind_proxy: Provider) -> None:
    """RFC 8705 §6.5: elsewhere the proxy may pass on what the client wrote itself."""
    rp, own = await machine(behind_proxy), certificate()

    answer = await rp.http.post(f"{rp.issuer}/token", data=TOKEN | {"client_id": rp.client_id}, headers=own.field)

    assert answer.status_code == 401


async def test_a_token_is_bound_to_the_certificate(behind_proxy: Provider) -> None:
    """RFC 8705 §3: cnf x5t#S256 in the token and in introspection; a bearer token in name."""
    own = certificate()
    rp = await machine(behind_proxy, tls_client_certificate_bound_access_tokens=True)

    answer = await ask(rp, own.field)

    assert answer.body["token_type"] == "Bearer"
    assert (await rp.decode(answer.access_token)).claims["cnf"] == {"x5t#S256": own.thumbprint}
    told = await rp.post("introspection_endpoint", {"token": answer.access_token}, auth=ByCertificate(own.field))
    assert told.body["cnf"] == {"x5t#S256": own.thumbprint}


async def test_a_bound_token_needs_its_certificate(behind_proxy: Provider) -> None:
    """RFC 8705 §3: 401 invalid_token with another one, and with none."""
    own = certificate()
    rp = at_listener(await behind_proxy.client(tls_client_certificate_bound_access_tokens=True))
    person = await behind_proxy.person()
    async with behind_proxy.browser(person) as browser:
        code = await browser.authorize(rp)
    without = await rp.redeem(code)
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": rp.redirect_uri,
              "code_verifier": rp.codes[code].verifier}  # fmt: skip
    tokens = await rp.post("token_endpoint", fields, headers=own.field)

    assert (without.status, without.error) == (400, "invalid_request")
    token = {"Authorization": f"Bearer {tokens.access_token}"}
    seen = [await rp.http.get(f"{MTLS}/userinfo", headers=token | more)
            for more in (own.field, certificate().field, {})]  # fmt: skip
    assert [response.status_code for response in seen] == [200, 401, 401]


@pytest.mark.parametrize(
    "members",
    [{}, {"tls_client_auth_subject_dn": DN, "tls_client_auth_san_dns": "rp.example"},
     {"tls_client_auth_san_ip": "nowhere"}, {"tls_client_auth_subject_dn": "x" * 1025}],
    ids=lambda each: ",".join(each),
)  # fmt: skip
async def test_exactly_one_name_is_registered(behind_proxy: Provider, members: dict[str, str]) -> None:
    """RFC 8705 §2.1.2."""
    with pytest.raises(BadClient):
        await behind_proxy.client(method="tls_client_auth", **members)


@pytest.mark.parametrize("method", ["tls_client_auth", "self_signed_tls_client_auth"])
async def test_nothing_of_it_is_offered_without_a_listener(provider: Provider, method: str) -> None:
    """RFC 8414 §2: what is not there is not advertised, and cannot be registered."""
    listed = await provider.metadata()

    assert method not in listed["token_endpoint_auth_methods_supported"]
    assert "mtls_endpoint_aliases" not in listed
    with pytest.raises(BadClient, match="certificates"):
        await provider.client(method=method, tls_client_auth_subject_dn=DN if method[0] == "t" else None,
                              jwks=certificate().jwks())  # fmt: skip
    with pytest.raises(BadClient, match="certificates"):
        await provider.client(tls_client_certificate_bound_access_tokens=True)


async def test_the_aliases_are_advertised_and_work(behind_proxy: Provider) -> None:
    """RFC 8705 §5: the endpoints of programs at the listener's host, and no page for people."""
    listed = await behind_proxy.metadata()
    rp = await machine(behind_proxy)
    aliases = listed["mtls_endpoint_aliases"]

    answer = await rp.http.post(aliases["token_endpoint"], data=TOKEN | {"client_id": rp.client_id},
                                headers=certificate().field)  # fmt: skip

    assert answer.status_code == 200
    assert {"tls_client_auth", "self_signed_tls_client_auth"} <= set(listed["token_endpoint_auth_methods_supported"])
    assert listed["tls_client_certificate_bound_access_tokens"] is True
    assert all(url.startswith(MTLS) for url in aliases.values())
    pages = [(await rp.http.get(f"{MTLS}{path}")).status_code for path in ("/authorize", "/account", "/jwks", "/admin")]
    assert pages == [404] * 4


async def test_a_financial_client_is_bound_by_its_certificate(behind_proxy: Provider) -> None:
    """FAPI 2.0 §5.3.2.1: profile fapi2 binds tokens to the certificate of whoever proves no DPoP key."""
    own: Certificate = certificate()
    rp = await machine(behind_proxy, profile=Profile.FAPI2)

    answer = await ask(rp, own.field)

    assert (await rp.decode(answer.access_token)).claims["cnf"] == {"x5t#S256": own.thumbprint}


def test_the_thumbprint_is_that_of_the_specification() -> None:
    """RFC 8705 Appendix A: the hash of the DER form, in base64url."""
    import base64
    import hashlib

    from idp.oauth.binding import of_certificate

    der = certificate().der
    digest = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).decode().rstrip("=")

    assert of_certificate(der).as_claim() == {"x5t#S256": digest}


async def test_a_connections_own_certificate_counts(behind_proxy: Provider) -> None:
    """ASGI TLS extension: a server that ends TLS itself tells of the certificate in the scope."""
    rp, own = await machine(behind_proxy), certificate()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        tls = {"client_cert_chain": [own.pem], "client_cert_error": None}
        await behind_proxy.transport.app(scope | {"extensions": {"tls": tls}}, receive, send)

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app, client=("203.0.113.9", 1))) as http:
        answer = await http.post(f"{rp.issuer}/token", data=TOKEN | {"client_id": rp.client_id})

    assert answer.status_code == 200


@pytest.mark.parametrize("subject", ["reports", "CN", "CN=reports, O=Harbour Books", "XX=reports", "CN=reports,", "="])
async def test_a_subject_that_is_no_name_is_not_registered(behind_proxy: Provider, subject: str) -> None:
    """RFC 8705 §2.1.2, RFC 4514 §3: it could fit no certificate."""
    with pytest.raises(BadClient, match="RFC 4514"):
        await machine(behind_proxy, tls_client_auth_subject_dn=subject)


async def test_a_certificate_that_cannot_be_read_proves_nothing(behind_proxy: Provider) -> None:
    """RFC 8705 §2.1: the same extension twice is no certificate (RFC 5280 §4.2), and no fault of ours."""
    rp, own = await machine(behind_proxy, tls_client_auth_san_dns="rp.example"), certificate(dns="rp.example")
    twice = own.der.replace(b"\x03\x55\x1d\x11", b"\x03\x55\x1d\x63")  # another extension in its place

    answers = [await ask(rp, {"Client-Cert": f":{base64.b64encode(der).decode()}:"}) for der in (twice, own.der[:-9])]

    assert [(answer.status, answer.error) for answer in answers] == [(401, "invalid_client")] * 2


async def test_a_key_set_with_a_strange_certificate_keeps_its_client_out(behind_proxy: Provider) -> None:
    """RFC 8705 §2.2: what is no base64 is no certificate."""
    own = certificate()
    keys: Any = own.jwks()["keys"]
    rp = await machine(behind_proxy, "self_signed_tls_client_auth", jwks={"keys": [{**keys[0], "x5c": ["é"]}]})

    assert (await ask(rp, own.field)).status == 401

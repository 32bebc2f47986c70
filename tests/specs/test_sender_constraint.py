"""Bound tokens where rules meet – RFC 9449 §4.3, §5, §7; RFC 8705 §3, §4: paths, public clients, both listeners."""

from collections.abc import AsyncIterator

import pytest

from idp.domain.client import Profile
from tests.support.certificates import Certificate, certificate
from tests.support.databases import fresh_database
from tests.support.dpop import ProofKey, send, userinfo
from tests.support.provider import Provider
from tests.support.relying_party import Answer, RelyingParty

MTLS = "https://mtls.id.example"
PATH = "https://id.example/tenants/one"
MACHINE = {"grant_types": ["client_credentials"], "redirect_uris": None, "scope": "reports"}


@pytest.fixture(scope="module")
async def tenant(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    """A provider whose issuer has a path."""
    folder = tmp_path_factory.mktemp("tenant")
    async with fresh_database("sqlite", folder) as url, Provider.running(folder, url, issuer=PATH) as provider:
        yield provider


@pytest.fixture(scope="module")
async def behind_proxy(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    """A provider behind a trusted proxy that asks for certificates."""
    folder = tmp_path_factory.mktemp("mtls")
    settings = {"IDP_MTLS_URL": MTLS, "IDP_TRUSTED_PROXIES": "127.0.0.0/8"}
    async with fresh_database("sqlite", folder) as url, Provider.running(folder, url, settings=settings) as provider:
        yield provider


@pytest.mark.parametrize(
    "url",
    ["https://id.example/token", "https://id.example/tenants/two/token", f"{PATH}/userinfo", f"{PATH}/x/token",
     "https://id.example/tenants/one%2Ftoken", f"{PATH}/token/"],
)  # fmt: skip
async def test_a_proof_names_the_path_of_the_issuer(tenant: Provider, url: str) -> None:
    """RFC 9449 §4.3 step 9: the public URL, not that behind a proxy, nor another issuer's at the same host."""
    rp = await tenant.client(**MACHINE)  # type: ignore[arg-type]
    key = ProofKey(now=tenant.clock.timestamp)

    refused = await send(rp, "token_endpoint", key.proof("POST", url), grant_type="client_credentials")
    good = await send(rp, "token_endpoint", key.proof("POST", f"{PATH}/token"), grant_type="client_credentials")

    assert (refused.status, refused.error) == (400, "invalid_dpop_proof")
    assert good.body["token_type"] == "DPoP"


async def redeem(rp: RelyingParty, code: str, own: Certificate | None) -> Answer:
    """Redeem a code at the listener that asks for certificates."""
    fields = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": rp.redirect_uri, "client_id": rp.client_id,
        "code_verifier": rp.codes[code].verifier,
    }  # fmt: skip
    return Answer.of(await rp.http.post(f"{MTLS}/token", data=fields, headers=own.field if own else {}))


async def test_a_public_client_may_bind_its_tokens_to_a_certificate(behind_proxy: Provider) -> None:
    """RFC 8705 §4: the certificate proves no client, and yet the token is of use with it alone."""
    rp = await behind_proxy.client(profile=Profile.NATIVE, tls_client_certificate_bound_access_tokens=True)
    own, other = certificate(), certificate()
    async with behind_proxy.browser(await behind_proxy.person()) as browser:
        code = await browser.authorize(rp)

    without = await redeem(rp, code, None)
    tokens = await redeem(rp, code, own)

    assert (without.status, without.error) == (400, "invalid_request")
    assert (await rp.decode(tokens.access_token)).claims["cnf"] == {"x5t#S256": own.thumbprint}
    bearer = {"Authorization": f"Bearer {tokens.access_token}"}
    seen = [await rp.http.get(f"{MTLS}/userinfo", headers=bearer | each) for each in (own.field, other.field, {})]
    assert [response.status_code for response in seen] == [200, 401, 401]
    assert 'error="invalid_token"' in seen[1].headers["www-authenticate"]


async def test_a_public_clients_refresh_token_needs_the_certificate_too(behind_proxy: Provider) -> None:
    """RFC 8705 §4, RFC 9700 §2.2.2: stolen, it is of no use; and its owner loses nothing by the attempt."""
    rp = await behind_proxy.client(profile=Profile.NATIVE, tls_client_certificate_bound_access_tokens=True)
    own = certificate()
    async with behind_proxy.browser(await behind_proxy.person()) as browser:
        tokens = await redeem(rp, await browser.authorize(rp), own)
    fields = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token, "client_id": rp.client_id}

    refused = [Answer.of(await rp.http.post(f"{MTLS}/token", data=fields, headers=each))
               for each in (certificate().field, {})]  # fmt: skip
    good = Answer.of(await rp.http.post(f"{MTLS}/token", data=fields, headers=own.field))

    assert [answer.status for answer in refused] == [400, 400]
    assert refused[0].error == "invalid_grant"
    assert good.status == 200, good.text
    assert (await rp.decode(good.access_token)).claims["cnf"] == {"x5t#S256": own.thumbprint}


async def test_a_key_that_was_proved_opens_userinfo_at_both_listeners(behind_proxy: Provider) -> None:
    """RFC 9449 §4.3 step 9, RFC 8705 §5: a proof names the address it is sent to, which may be an alias."""
    rp = await behind_proxy.client()
    key = ProofKey(now=behind_proxy.clock.timestamp)
    async with behind_proxy.browser(await behind_proxy.person()) as browser:
        code = await browser.authorize(rp)
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": rp.redirect_uri,
              "code_verifier": rp.codes[code].verifier}  # fmt: skip

    tokens = await send(rp, "token_endpoint", key.proof("POST", f"{rp.issuer}/token"), **fields)

    token = tokens.access_token
    assert (await userinfo(rp, token, key.proof("GET", f"{rp.issuer}/userinfo", token=token))).status == 200
    headers = {"Authorization": f"DPoP {token}", "DPoP": key.proof("GET", f"{MTLS}/userinfo", token=token)}
    assert (await rp.http.get(f"{MTLS}/userinfo", headers=headers)).status_code == 200
    foreign = {**headers, "DPoP": key.proof("GET", "https://api.example/userinfo", token=token)}
    assert (await rp.http.get(f"{MTLS}/userinfo", headers=foreign)).status_code == 401

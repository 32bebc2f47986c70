"""KY15: the metadata tells the truth (OIDC Discovery §3)."""

import json

import pytest

from idp.domain.client import BadClient
from tests.support.attacker import tokens_for
from tests.support.target import Target


async def test_ky15_the_metadata_tells_the_truth(provider: Target) -> None:
    document = await provider.metadata()
    rp = await provider.client()

    assert document["issuer"] == provider.issuer
    for name, url in document.items():
        if name.endswith(("_endpoint", "_uri")):
            answer = await provider.http.request("OPTIONS", url)
            assert url.startswith(f"{provider.issuer}/")
            assert answer.status_code != 404, name
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert not [name for name in document if name.startswith(("tls", "mtls", "request_object_encryption", "check_"))]
    for grant in ("password", "implicit", "urn:ietf:params:oauth:grant-type:saml2-bearer"):
        assert grant not in document["grant_types_supported"]
        assert (await rp.token(grant_type=grant)).error == "unsupported_grant_type"
    assert "none" not in json.dumps([value for name, value in document.items() if "alg_values" in name])


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
async def test_ky15_every_advertised_algorithm_signs(provider: Target, alg: str) -> None:
    rp, person = await provider.client(id_token_signed_response_alg=alg), await provider.person()

    tokens = await tokens_for(provider, rp, person)

    assert (await rp.decode(tokens.id_token)).header["alg"] == alg
    assert (await rp.check_id_token(tokens, rp.codes[next(reversed(rp.codes))]))["sub"] == person.id


@pytest.mark.parametrize("alg", ["none", "HS256", "RS384", "ES256K", "Ed448", ""])
async def test_ky15_no_other_algorithm_can_be_registered(provider: Target, alg: str) -> None:
    with pytest.raises(BadClient):
        await provider.client(id_token_signed_response_alg=alg)

"""RFC 8414 §2, RFC 9728 §4, RFC 9396 §10: what operators define stands in the metadata once it works, and no longer."""

from typing import Any

from idp.domain.exchange import JWT_BEARER, TOKEN_EXCHANGE
from tests.support.definition_cases import KEY
from tests.support.provider import Provider
from tests.support.resources import API, BOOKS, defined, resource


async def metadata(provider: Provider) -> dict[str, Any]:
    response = await provider.http.get(f"{provider.issuer}/.well-known/openid-configuration")
    document: dict[str, Any] = response.json()
    return document


async def test_nothing_is_promised_before_it_is_defined(provider: Provider) -> None:
    """RFC 8414 §2."""
    document = await metadata(provider)
    assert not {"protected_resources", "authorization_details_types_supported"} & document.keys()
    assert not {TOKEN_EXCHANGE, JWT_BEARER} & set(document["grant_types_supported"])
    assert document["scopes_supported"] == ["openid", "profile", "email", "address", "phone", "offline_access"]


async def test_public_resources_types_of_details_and_grants_are_told_while_they_are_defined(
    provider: Provider,
) -> None:
    """RFC 8414 §2, RFC 9728 §4, RFC 9396 §10."""
    client = await provider.client()
    told = [
        ("resources", resource(API, "invoices.read", public=True)),
        ("resources", resource(BOOKS, "books.read")),
        ("detail_types", {"type": "payment", "json_schema": {"type": "object"}, "template": "Pay"}),
        ("exchange_rules", {"name": "r", "client_id": client.client_id, "audiences": [API], "may_act": True}),
        ("assertion_issuers", {"issuer": "https://their.example", "clients": [client.client_id], "scopes": [],
                               "jwks": {"keys": [KEY]}}),
    ]  # fmt: skip
    async with defined(provider, *told):
        document = await metadata(provider)
        assert document["protected_resources"] == [API]
        assert "invoices.read" in document["scopes_supported"]
        assert "books.read" not in document["scopes_supported"]
        assert document["authorization_details_types_supported"] == ["payment"]
        assert {TOKEN_EXCHANGE, JWT_BEARER} <= set(document["grant_types_supported"])
    await test_nothing_is_promised_before_it_is_defined(provider)

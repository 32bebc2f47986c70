"""The OpenAPI document and the page for people: both from the operations, both without a token."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from jsonschema_rs import Draft202012Validator, meta

from idp.domain.permission import scope_of
from idp.flows.admin.catalog import OPERATIONS
from tests.support.admin_api import Api, api
from tests.support.databases import fresh_database
from tests.support.provider import Provider
from tests.support.relying_party import Json


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    folder: Path = tmp_path_factory.mktemp("document")
    async with fresh_database("sqlite", folder) as url, Provider.running(folder, url) as provider:
        yield provider


@pytest.fixture
def nobody(provider: Provider) -> Api:
    return api(provider, None)


@pytest.fixture
async def document(nobody: Api) -> Json:
    return (await nobody.get("/openapi.json")).body


async def test_every_operation_is_described(document: Json) -> None:
    for operation in OPERATIONS.values():
        described = document["paths"][operation.path][operation.method.lower()]
        assert described["operationId"] == operation.name
        assert described["security"] == [{"bearer": [scope_of(operation.permission)]}, {
            "oauth2": [scope_of(operation.permission)]}]  # fmt: skip
        assert {str(operation.status), "400", "401", "403", "404", "409", "412", "415", "429"} <= {
            *described["responses"]
        }
    assert sum(len(each) for each in document["paths"].values()) == len(OPERATIONS)


async def test_every_schema_is_one_and_every_reference_leads_somewhere(document: Json) -> None:
    for schema in document["components"]["schemas"].values():
        meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
    for reference in _references(document):
        assert reference.removeprefix("#/components/schemas/") in document["components"]["schemas"]


def _references(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for each in value.values() for found in _references(each)]
    return [found for each in value for found in _references(each)] if isinstance(value, list) else []


async def test_every_parameter_of_a_path_is_described_and_no_other(document: Json) -> None:
    for path, methods in document["paths"].items():
        for described in methods.values():
            named = [each["name"] for each in described["parameters"] if each["in"] == "path"]
            assert sorted(named) == sorted(part[1:-1] for part in path.split("/") if part.startswith("{"))
            properties = described.get("requestBody", {}).get("content", {}).get("application/json", {})
            assert "version" not in properties.get("schema", {}).get("properties", {})


async def test_it_is_fetched_once(nobody: Api, provider: Provider) -> None:
    first = await nobody.get("/openapi.json")

    assert first.body["servers"] == [{"url": f"{provider.issuer}/api/admin/v1"}]
    assert (await nobody.get("/openapi.json", if_none_match=first.headers["etag"])).status == 304


async def test_the_page_names_every_operation_and_loads_nothing_of_others(nobody: Api) -> None:
    answer = await nobody.get("/docs", accept="text/html")

    assert answer.status == 200
    for operation in OPERATIONS.values():
        assert f'id="{operation.name}"' in answer.text
        assert f"{operation.method} {operation.path}" in answer.text
    assert "<script" not in answer.text
    assert "style=" not in answer.text
    assert "script-src" not in answer.headers["content-security-policy"]


async def test_a_refusal_fits_its_schema(nobody: Api, document: Json) -> None:
    validator = Draft202012Validator(document["components"]["schemas"]["Problem"])

    for path in ("/users", "/nowhere", "/users/bulk"):
        assert validator.is_valid((await nobody.get(path)).body)

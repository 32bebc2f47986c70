"""Every operation of the administrators' API against its document: inputs that fit it, and inputs that do not."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import Phase, given, settings
from schemathesis.python.asgi import shutdown_lifespans
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.types import ASGIApp, Receive, Scope, Send

from idp.app import create_app
from idp.flows.admin.catalog import OPERATIONS
from idp.settings import load
from idp.web.api.openapi import document
from tests.support.admin_api import ROOT, machine
from tests.support.databases import fresh_database
from tests.support.provider import ISSUER, HandClock, Provider

EXAMPLES = 10
#: Whatever does not fit ends in one of these.
REFUSED = ("400", "401", "403", "404", "405", "409", "412", "413", "414", "415", "422")
CONFIG = {"checks": {"negative_data_rejection": {"expected-statuses": list(REFUSED)}}}
#: What is more than a schema can say: URLs that clients register, claims, moments, keys that were used before.
MORE_THAN_SHAPE = frozenset({400, 412, 422})
MODES = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)


@pytest.fixture(scope="module")
async def schema(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Any]:
    """The document, bound to the application, which the library runs in an event loop of its own."""
    folder: Path = tmp_path_factory.mktemp("schema")
    master = base64.urlsafe_b64encode(b"a master key for tests, 32 bytes").decode().rstrip("=")
    async with fresh_database("sqlite", folder) as url:
        async with Provider.running(folder, url, settings={"IDP_MASTER_KEY": master}) as provider:
            token = (await machine(provider)).token
        environment = {
            "IDP_MODE": "test", "IDP_ISSUER": ISSUER, "IDP_DATABASE_URL": url, "IDP_KEYS_DIR": str(folder / "keys"),
            "IDP_MASTER_KEY": master, "IDP_BCRYPT_ROUNDS": "4", "IDP_RATE_LIMITS": "off",
        }  # fmt: skip
        found = schemathesis.openapi.from_dict(document(ISSUER), config=schemathesis.Config.from_dict(CONFIG))
        found.app = _at_issuer(create_app(load(environment=environment), clock=HandClock()))
        yield found, {"Authorization": f"Bearer {token}"}
        shutdown_lifespans()


def _at_issuer(app: ASGIApp) -> ASGIApp:
    """Return the application under its own name, by which the library does not call it."""

    async def named(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            others = [pair for pair in scope["headers"] if pair[0] != b"host"]
            scope = {**scope, "headers": [(b"host", ISSUER.removeprefix("https://").encode()), *others]}
        await app(scope, receive, send)

    return named


@pytest.mark.parametrize("mode", MODES, ids=lambda each: each.value)
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_keeps_its_word(schema: Any, name: str, mode: schemathesis.GenerationMode) -> None:
    found, headers = schema
    operation = found.find_operation_by_id(name)

    @settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, phases=[Phase.generate])
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: schemathesis.Case) -> None:
        response = case.call(base_url=ISSUER + ROOT, headers=headers)
        excluded = [positive_data_acceptance] if response.status_code in MORE_THAN_SHAPE else []
        case.validate_response(response, excluded_checks=excluded)

    check()

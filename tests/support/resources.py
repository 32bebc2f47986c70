"""APIs and whatever else operators define for the protocol, made as operations make them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from idp.flows.admin.catalog import OPERATIONS
from tests.support.operators import COMMAND
from tests.support.provider import Provider

API = "https://api.example/v1"
BOOKS = "https://books-api.example"
TABLES = ("resources", "detail_types", "exchange_rules", "assertion_issuers")
Given = dict[str, Any]


def resource(identifier: str, *scopes: str, **members: Any) -> Given:
    """Return a resource server that defines these scopes."""
    told = [{"name": scope, "text": f"What {scope} allows."} for scope in scopes]
    return {"identifier": identifier, "name": f"API at {identifier}", "scopes": told, **members}


async def define(provider: Provider, table: str, **members: Any) -> Given:
    """Define one thing; `settle` makes it known."""
    made = await provider.site.administration.call(OPERATIONS[f"{table}.create"], COMMAND, members)
    shown: Given = made.model_dump(mode="json")
    return shown


async def replace(provider: Provider, table: str, made: Given, **members: Any) -> Given:
    """Put something else in the place of what was defined, and wait until it is known."""
    known = OPERATIONS[f"{table}.update"].takes.model_fields
    whole = {name: value for name, value in {**made, **members}.items() if name in known and name != "version"}
    done = await provider.site.administration.call(OPERATIONS[f"{table}.update"], COMMAND, whole)
    await provider.settle()
    shown: Given = done.model_dump(mode="json")
    return shown


@asynccontextmanager
async def defined(provider: Provider, *things: tuple[str, Given]) -> AsyncIterator[list[Given]]:
    """Define these things, each in its table, and remove everything that is defined at the end."""
    made = [await define(provider, table, **members) for table, members in things]
    await provider.settle()
    try:
        yield made
    finally:
        for table in TABLES:
            listed = await provider.site.administration.call(OPERATIONS[f"{table}.list"], COMMAND, {})
            for each in listed.items:
                await provider.site.administration.call(OPERATIONS[f"{table}.delete"], COMMAND, {"id": each.id})
        await provider.settle()

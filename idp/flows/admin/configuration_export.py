"""Writes the file that `configuration.apply` reads from what a running provider is."""

import json
from typing import Any

from idp.domain.client import Client
from idp.domain.permission import Permission as P
from idp.flows.admin import configuration_definitions, configuration_upstreams
from idp.flows.admin.clients import client_of
from idp.flows.admin.configuration_file import SCHEMA, write
from idp.flows.admin.operation import Operation, Output, Work
from idp.flows.admin.provider import Everything
from idp.flows.policy_rollout import standing

PAGE = 100


class Exported(Output):
    """A file that brings another provider, or this one later, to what this one is now."""

    text: str


async def _export(work: Work, _wanted: Everything) -> Exported:
    document: dict[str, Any] = {"schema": SCHEMA}
    groups: list[dict[str, Any]] = []
    while page := await work.stores.groups.page(after=groups[-1]["name"] if groups else "", limit=PAGE):
        groups += [{"name": each.name, "description": each.description} for each in page]
    deciding = (await standing(work.stores)).enforced
    document |= {"policy": {"text": deciding.text}} if deciding is not None else {}
    document |= {"group": groups} if groups else {}
    listed = [each for each in await work.stores.clients.list() if not each.is_self_registered]
    document |= {"client": [await _told(work, each) for each in listed]} if listed else {}
    document |= await configuration_definitions.exported(work)
    document |= await configuration_upstreams.exported(work)
    return Exported(text=write(document) + _settings(work))


def _settings(work: Work) -> str:
    """Return the settings as remarks: they belong to a process, and a file that names them only checks them."""
    named = [each for each in work.tools.options if not (each.is_default or each.is_secret)]
    lines = [f"# {each.name} = {json.dumps(each.value, ensure_ascii=False)}" for each in named]
    return "".join(f"{line}\n" for line in ("", "# [settings]  # checked, if it is no remark", *lines)) if lines else ""


async def _told(work: Work, client: Client) -> dict[str, Any]:
    shown = client_of(client)
    metadata = {name: value for name, value in shown.metadata.items() if name != "software_statement"}
    return {
        "client_id": client.id, "profile": shown.profile, "first_party": shown.first_party, "active": shown.active,
        "managers": list(await work.stores.clients.managers(client.id)), "metadata": metadata,
    }  # fmt: skip


EXPORT = Operation(
    "configuration.export", "Write such a file from what is there", P.CONFIGURATION_WRITE, Everything, Exported,
    _export, "GET", "/configuration",
)  # fmt: skip
OPERATIONS = (EXPORT,)

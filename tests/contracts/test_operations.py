"""One operation means the same by every way: called in the process, over the REST API, and at the command line.

Each case is prepared anew for every way, done, and refused once; what it gives, why it is refused and what the trail
says of both must be alike. Ids, times and secrets differ, of course.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from click.testing import CliRunner

from idp.cli import idp
from idp.flows.admin.catalog import OPERATIONS
from idp.flows.admin.problem import Problem
from tests.support.admin_api import Api, api, machine_client
from tests.support.operation_cases import CASES, Given
from tests.support.operators import COMMAND, Operators
from tests.support.relying_party import RelyingParty
from tests.support.target import Target, target

Outcome = tuple[str, Any]
WAYS = ("process", "api", "command")
#: What differs from one object to the next, wherever it stands.
OWN = frozenset({
    "id", "user_id", "client_id", "kid", "version", "client_secret", "registration_access_token", "token", "secret",
    "next", "email", "username", "name", "at", "begin", "end", "created_at", "updated_at", "published_at",
    "activates_at", "activated_at", "retired_at", "expires_at", "seen_at", "auth_time", "failed_at", "sent_at",
    "request_id", "address", "client_name", "client_id_issued_at", "made_by", "actor_id", "actor_kind", "actor_role",
    "session_id", "group", "text", "items", "changed_at", "old_secret_ends_at", "delivery_id", "due_at",
    "identifier", "type", "issuer", "clients", "slices", "totals", "activated", "published", "redirect_uri",
})  # fmt: skip


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    folder = tmp_path_factory.mktemp("contract")
    async with target("sqlite", folder, own_keys=True, outbound_allow="127.0.0.1:9") as running:
        yield running


@pytest.fixture(scope="module")
async def application(provider: Target) -> RelyingParty:
    return await machine_client(provider)


UNPREPARED = frozenset(OPERATIONS) - CASES.keys()


def test_every_operation_stands_in_the_contract() -> None:
    assert not UNPREPARED


@pytest.mark.parametrize("name", CASES)
async def test_an_operation_means_the_same_by_every_way(provider: Target, application: RelyingParty, name: str) -> None:
    desk, case = Operators(provider), CASES[name]
    seen = {}
    for way in WAYS:
        given = await case.prepare(desk)
        before = await _trail(provider)
        done = await _do(way, provider, application, name, given)
        left = [row for id_, row in (await _trail(provider)).items() if id_ not in before]
        given = case.refused(await case.prepare(desk))
        before = await _trail(provider)
        refused = await _do(way, provider, application, name, given)
        left += [row for id_, row in (await _trail(provider)).items() if id_ not in before]
        # How many keys wait and sign differs from one rotation to the next.
        turned = {"key_rotated"} if name == "keys.rotate" and any(row[0] == "key_rotated" for row in left) else set()
        seen[way] = (done, refused, turned, sorted(row for row in left if row[0] != "key_rotated"))

    assert seen["process"][0][0] == "done"
    assert seen["process"][1][0] == "refused"
    assert seen["api"] == seen["process"]
    assert seen["command"] == seen["process"]


async def _trail(provider: Target) -> dict[str, Any]:
    """Return what the trail says that was done or refused, by its id."""
    async with provider.site.transactions.open(write=False) as stores:
        rows = await stores.events.list(limit=1000)
    return {
        row.id: (row.kind, row.result, *(" ".join(sorted(part or {})) for part in (row.detail, row.before, row.after)))
        for row in reversed(rows)
        if row.kind != "tokens_issued"
    }


async def _do(way: str, provider: Target, application: RelyingParty, name: str, given: Given) -> Outcome:
    if way == "process":
        try:
            done = await provider.site.administration.call(OPERATIONS[name], COMMAND, given)
        except Problem as problem:
            return "refused", problem.detail
        return "done", _plain(done.model_dump(mode="json"))
    if way == "command":
        return await _by_command(provider, name, given)
    token = (await application.token(grant_type="client_credentials")).access_token
    return await _by_api(api(provider, token), name, given)


async def _by_api(bearer: Api, name: str, given: Given) -> Outcome:
    operation, rest = OPERATIONS[name], dict(given)
    path = re.sub(r"{(\w+)}", lambda found: quote(str(rest.pop(found[1])), safe=""), operation.path)
    headers = {"if_match": f'"{rest.pop("version")}"'} if "version" in rest else {}
    if operation.method in ("GET", "DELETE"):
        query = urlencode({member: str(value) for member, value in rest.items()})
        answer = await bearer.send(operation.method, f"{path}?{query}" if query else path, **headers)
    else:
        answer = await bearer.send(operation.method, path, rest, **headers)
    if answer.status >= 400:
        return "refused", answer.body["detail"]
    assert answer.status == operation.status
    return "done", _plain(answer.body)


async def _by_command(provider: Target, name: str, given: Given) -> Outcome:
    def run() -> Any:
        command = ["admin", "do", name, "--input", "-", "--json"]
        return CliRunner().invoke(idp, command, input=json.dumps(given), env=dict(provider.environment))

    result = await asyncio.to_thread(run)
    if result.exit_code:
        assert result.exit_code == 1, result.output
        return "refused", result.stderr.strip().splitlines()[-1].removeprefix("Error: ")
    # Whatever the provider beside it logs at that moment lands there, too: lines of their own.
    own = [line for line in result.stdout.splitlines() if not re.match(r"[0-9]{4}-|{\"", line)]
    return "done", _plain(json.loads("\n".join(own)))


def _plain(value: Any, name: str = "") -> Any:
    """Return a document without what differs from one object to the next."""
    if name in OWN and value is not None:
        return type(value).__name__
    if isinstance(value, dict):
        return {each: _plain(inner, each) for each, inner in value.items() if inner is not None}
    return [_plain(each) for each in value] if isinstance(value, list) else value

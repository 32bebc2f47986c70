"""Definitions as operations: who may make them, what is refused, and what the trail says."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from idp.domain.user import Role
from idp.flows.admin.problem import Code, Problem
from tests.support.databases import fresh_database
from tests.support.operators import Operators, operators
from tests.support.provider import ISSUER
from tests.support.resources import resource

CALLBACK = "https://books.example/callback"
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"to": {"type": "string"}}}


@pytest.fixture(scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Operators]:
    folder = tmp_path_factory.mktemp("definitions")
    async with fresh_database("sqlite", folder) as url, operators(folder, url) as desk:
        yield desk


async def client(desk: Operators, caller: Any = None, **metadata: Any) -> str:
    """Register a client and return its id."""
    told = {"client_name": "Books", "redirect_uris": [CALLBACK], **metadata}
    args = (caller,) if caller is not None else ()
    made: str = (await desk.do("clients.create", *args, metadata=told))["id"]
    return made


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("identifier", "/relative"),
        ("identifier", "https://api.example/x#y"),
        ("identifier", "https://api.example/a b"),
        ("identifier", ISSUER),
        ("identifier", f"{ISSUER}/api/admin/v1"),
        ("token_alg", "HS256"),
        ("token_alg", "none"),
        ("life_seconds", 59),
        ("life_seconds", 3601),
        ("life_seconds", -(10**30)),
        ("life_seconds", 10**30),
        ("token_format", "paseto"),
        ("scopes", [{"name": "openid"}]),
        ("scopes", [{"name": "offline_access"}]),
        ("scopes", [{"name": "admin:users.read"}]),
        ("scopes", [{"name": "two words"}]),
        ("scopes", [{"name": "a"}, {"name": "a"}]),
        ("name", ""),
    ],
)
async def test_a_resource_server_that_would_be_unsafe_is_refused(desk: Operators, member: str, value: Any) -> None:
    given = {**resource("https://refused.example", "a"), member: value}
    with pytest.raises(Problem) as refused:
        await desk.do("resources.create", **given)
    assert refused.value.code is Code.INVALID
    assert refused.value.faults[0].member.startswith(member)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("type", "two words"),
        ("json_schema", {"type": "string"}),
        ("json_schema", {"type": "object", "properties": {"to": {"$ref": "https://x.example"}}}),
        ("json_schema", {"type": "object", "properties": {"to": {"type": "string", "enum": ["x" * 30_000]}}}),
        ("template", "Pay {nobody}"),
        ("template", "Pay {to.name}"),
        ("template", ""),
    ],
)
async def test_a_type_of_details_that_cannot_be_checked_or_shown_is_refused(
    desk: Operators, member: str, value: Any
) -> None:
    given = {"type": "refused", "json_schema": SCHEMA, "template": "Pay {to}", member: value}
    with pytest.raises(Problem) as refused:
        await desk.do("detail_types.create", **given)
    assert refused.value.faults[0].member.startswith(member)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("client_id", "nobody"),
        ("audiences", []),
        ("audiences", ["https://unknown.example"]),
        ("scopes", ["admin:users.read"]),
        ("scopes", ["offline_access"]),
        ("subject_token_types", []),
        ("subject_token_types", ["urn:ietf:params:oauth:token-type:saml2"]),
        ("may_act", False),
    ],
)
async def test_a_rule_that_allows_nothing_or_too_much_is_refused(desk: Operators, member: str, value: Any) -> None:
    given = {"name": "refused", "client_id": await client(desk), "audiences": [ISSUER], "may_act": True, member: value}
    with pytest.raises(Problem) as refused:
        await desk.do("exchange_rules.create", **given)
    assert refused.value.faults[0].member == member


async def test_a_rule_is_for_confidential_clients(desk: Operators) -> None:
    told = {"client_name": "App", "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none"}
    native = (await desk.do("clients.create", metadata=told, profile="native"))["id"]
    given = {"name": "native", "client_id": native, "audiences": [ISSUER], "may_act": True}
    assert await desk.refused("exchange_rules.create", **given) is Code.INVALID


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("issuer", ISSUER),
        ("issuer", "no uri"),
        ("clients", []),
        ("algs", ["HS256"]),
        ("algs", ["none"]),
        ("algs", []),
        ("scopes", ["admin:users.read"]),
        ("jwks", {"keys": []}),
        ("jwks", {"keys": [{"kty": "oct", "k": "AAAA"}]}),
        ("jwks_uri", "http://their.example/keys"),
        ("subject_match", "phone"),
    ],
)
async def test_an_issuer_that_cannot_be_checked_is_refused(desk: Operators, member: str, value: Any) -> None:
    keys = {} if member == "jwks" else {"jwks_uri": "https://their.example/keys"}
    given = {"issuer": "https://refused.example", "clients": ["c"], "scopes": ["a"], **keys, member: value}
    with pytest.raises(Problem) as refused:
        await desk.do("assertion_issuers.create", **given)
    assert refused.value.faults[0].member.startswith(member)


async def test_what_a_definition_is_known_by_is_given_once_and_never_changed(desk: Operators) -> None:
    made = await desk.do("resources.create", **resource("https://once.example", "a"))
    assert await desk.refused("resources.create", **resource("https://once.example")) is Code.TAKEN
    moved = {**resource("https://moved.example"), "id": made["id"]}
    assert await desk.refused("resources.update", **moved) is Code.INVALID


async def test_an_update_says_everything_and_needs_the_version_that_was_seen(desk: Operators) -> None:
    made = await desk.do("resources.create", **resource("https://whole.example", "a", public=True, life_seconds=900))
    whole = {**resource("https://whole.example", "b"), "id": made["id"], "version": made["version"]}
    after = await desk.do("resources.update", **whole)
    assert (after["public"], after["life_seconds"], after["scopes"][0]["name"]) == (False, 300, "b")
    assert await desk.refused("resources.update", **whole) is Code.CHANGED_MEANWHILE
    stale = {"id": made["id"], "version": made["version"]}
    assert await desk.refused("resources.delete", **stale) is Code.CHANGED_MEANWHILE


async def test_who_introspects_for_an_api_stands_at_the_client_and_nowhere_else(desk: Operators) -> None:
    server = await client(desk)
    made = await desk.do("resources.create", **resource("https://seen.example"), client_id=server)
    assert made["clients"] == [server]
    assert (await desk.do("clients.show", id=server))["metadata"]["audiences"] == ["https://seen.example"]
    await desk.do("clients.update", id=server, metadata={"audiences": []})
    assert (await desk.do("resources.get", id=made["id"]))["clients"] == []
    lost = {**resource("https://lost.example"), "client_id": "nobody"}
    assert await desk.refused("resources.create", **lost) is Code.NOT_FOUND


async def test_the_trail_says_what_was_defined_replaced_and_removed(desk: Operators) -> None:
    keeper = await desk.of(Role.ADMINISTRATOR)
    made = await desk.do("resources.create", keeper, **resource("https://trail.example", "a"))
    changed = {**resource("https://trail.example", "a", life_seconds=600), "id": made["id"]}
    await desk.do("resources.update", keeper, **changed)
    await desk.do("resources.delete", keeper, id=made["id"])
    deleted, updated, created = (await desk.events("definition_changed"))[:3]
    assert [each["detail"]["change"] for each in (created, updated, deleted)] == ["created", "updated", "deleted"]
    assert (updated["before"], updated["after"]) == ({"life": 300}, {"life": 600})
    assert (created["target_kind"], created["target_id"]) == ("resource", made["id"])


@pytest.mark.parametrize("table", ["resources", "detail_types", "exchange_rules", "assertion_issuers"])
async def test_auditors_read_administrators_write_with_a_fresh_proof_and_others_see_nothing(
    desk: Operators, table: str
) -> None:
    auditor = await desk.of(Role.AUDITOR)
    assert isinstance((await desk.do(f"{table}.list", auditor))["items"], list)
    assert await desk.refused(f"{table}.create", auditor) is Code.FORBIDDEN
    assert await desk.refused(f"{table}.create", await desk.of(Role.ADMINISTRATOR, is_fresh=False)) is (
        Code.STEP_UP_REQUIRED
    )
    for role in (Role.CLIENT_MANAGER, Role.SUPPORT, Role.USER):
        assert await desk.refused(f"{table}.list", await desk.of(role)) is Code.FORBIDDEN


@pytest.mark.parametrize("metadata", [{"resources": ["https://api.example"]}, {"authorization_details_types": ["x"]}])
async def test_a_client_manager_does_not_widen_what_a_client_may_ask_for(
    desk: Operators, metadata: dict[str, Any]
) -> None:
    manager = await desk.of(Role.CLIENT_MANAGER)
    told = {"client_name": "Books", "redirect_uris": [CALLBACK], **metadata}
    assert await desk.refused("clients.create", manager, metadata=told) is Code.FORBIDDEN
    own = await client(desk, manager)
    assert await desk.refused("clients.update", manager, id=own, metadata=metadata) is Code.FORBIDDEN
    await desk.do("clients.update", id=own, metadata=metadata)
    await desk.do("clients.update", manager, id=own, metadata={"client_uri": "https://books.example/"})

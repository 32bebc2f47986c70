"""What operators define comes back as it was stored, is told apart by its kind, and empties caches when it changes."""

from datetime import timedelta

import pytest

from idp.domain.client import TokenFormat
from idp.domain.detail_type import DetailType
from idp.domain.exchange import AssertionIssuer, ExchangeRule, SubjectMatch
from idp.domain.resource import ResourceServer, ScopeText
from idp.storage.caches import DefinitionDirectory, EpochWatch
from idp.storage.database import Database, DuplicateKey
from idp.storage.definitions import ASSERTION_ISSUER, DETAIL_TYPE, EXCHANGE_RULE, RESOURCE
from idp.storage.stores import Transactions
from tests.support.builders import NOW, client

API = ResourceServer(
    id="r1", identifier="https://api.example/v1", name="API", scopes=(ScopeText("a", "Read."), ScopeText("b")),
    token_alg="PS256", token_format=TokenFormat.OPAQUE, life=timedelta(minutes=7), is_public=True,
    is_open_to_all=True, requires_sender_constraint=True,
)  # fmt: skip
PAYMENT = DetailType("t1", "payment", {"type": "object", "properties": {"to": {"type": "string"}}}, "Pay {to}")
ISSUER = AssertionIssuer(
    "i1", "https://their.example", ("c",), ("a",), ("ES256", "PS256"), {"keys": [{"kty": "EC"}]}, None, "mail",
    SubjectMatch.EMAIL,
)  # fmt: skip


async def test_each_kind_comes_back_as_it_was_stored(transactions: Transactions) -> None:
    owner = client()
    rule = ExchangeRule("x1", "books", owner.id, ("https://api.example/v1",), ("a",), ("t",), True, True)
    async with transactions.open(write=True) as stores:
        await stores.clients.add(owner, NOW)
        await stores.definitions.add(RESOURCE, API, NOW)
        await stores.definitions.add(DETAIL_TYPE, PAYMENT, NOW)
        await stores.definitions.add(EXCHANGE_RULE, rule, NOW)
        await stores.definitions.add(ASSERTION_ISSUER, ISSUER, NOW)
    async with transactions.open(write=False) as stores:
        found, _epoch = await stores.definitions.all()
        assert await stores.definitions.find(RESOURCE, "r1") == API
        assert await stores.definitions.find(DETAIL_TYPE, "r1") is None
        assert await stores.definitions.find_by_key(ASSERTION_ISSUER, "https://their.example") == ISSUER
    assert found.resources == {API.identifier: API}
    assert found.detail_types == {"payment": PAYMENT}
    assert found.exchange_rules == (rule,)
    assert found.assertion_issuers == {"https://their.example": ISSUER}
    assert (found.owners("a"), found.owners("c")) == ({API.identifier}, frozenset())
    assert found.texts([API.identifier, "https://unknown.example"]) == {"a": "Read."}


async def test_two_definitions_of_a_kind_are_never_known_by_the_same(transactions: Transactions) -> None:
    async with transactions.open(write=True) as stores:
        await stores.definitions.add(DETAIL_TYPE, PAYMENT, NOW)
    with pytest.raises(DuplicateKey):
        async with transactions.open(write=True) as stores:
            await stores.definitions.add(DETAIL_TYPE, DetailType("t2", "payment", {}, ""), NOW)
    async with transactions.open(write=False) as stores:
        assert await stores.definitions.list(DETAIL_TYPE) == [PAYMENT]


async def test_a_rule_of_exchange_goes_with_its_client(transactions: Transactions) -> None:
    owner = client()
    async with transactions.open(write=True) as stores:
        await stores.clients.add(owner, NOW)
        await stores.definitions.add(EXCHANGE_RULE, ExchangeRule("x1", "books", owner.id, ()), NOW)
        await stores.clients.delete(owner.id)
    async with transactions.open(write=False) as stores:
        assert await stores.definitions.list(EXCHANGE_RULE) == []


async def test_a_change_reaches_what_a_process_remembers(database: Database, transactions: Transactions) -> None:
    watch = EpochWatch(database)
    directory = DefinitionDirectory(watch)

    async def seen() -> list[str]:
        watch._checked_at = -1.0  # half a second has passed
        await watch.refresh()
        async with transactions.open(write=False) as stores:
            return list((await directory.current(stores.definitions)).resources)

    assert await seen() == []
    async with transactions.open(write=True) as stores:
        await stores.definitions.add(RESOURCE, API, NOW)
    assert await seen() == [API.identifier]
    assert await seen() == [API.identifier]
    async with transactions.open(write=True) as stores:
        assert await stores.definitions.delete(RESOURCE, API.id)
        assert not await stores.definitions.delete(RESOURCE, API.id)
    assert await seen() == []


async def test_who_introspects_for_an_api_is_found_by_its_identifier_whole(transactions: Transactions) -> None:
    odd, longer = 'urn:x:a_b%c"d', f"{API.identifier}/more"
    one, other = client(audiences=(API.identifier, odd)), client(audiences=(longer,))
    async with transactions.open(write=True) as stores:
        for each in (one, other):
            await stores.clients.add(each, NOW)
        found = await stores.clients.introspecting([API.identifier, odd, "https://nobody.example"])
        assert found == {API.identifier: [one.id], odd: [one.id]}
        assert await stores.clients.introspecting([]) == {}

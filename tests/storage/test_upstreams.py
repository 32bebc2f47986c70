"""Other providers are stored with secrets sealed; who is away there comes back once; an identity is one person’s."""

import asyncio
from dataclasses import replace

import pytest

from idp.domain.assurance import Factor, Proof
from idp.domain.secret import make_id
from idp.domain.upstream import NewAccounts, UpstreamAuth
from idp.storage.database import Database, DuplicateKey
from idp.storage.proofs import proofs_from_json, proofs_to_json
from idp.storage.stores import Transactions
from tests.support.builders import MINUTE, NOW, TICK, digest
from tests.support.storage import World, count
from tests.support.upstreams import arrival, identity, upstream, upstream_request


async def test_a_provider_comes_back_as_it_was_stored(transactions: Transactions) -> None:
    stored = upstream(
        auth_method=UpstreamAuth.PRIVATE_KEY_JWT, client_secret=None, scopes=("openid",), button="Staff",
        logo_uri="https://elsewhere.example/logo.png", is_active=False, creates_accounts=NewAccounts.INVITED,
        offers_linking=True, trusts_email=True, asks_userinfo=True, forwards_freshness=False,
        domains=("example.org",), claims={"name": "nickname"}, groups_claim="roles", groups={"admins": "staff"},
        believes={"acr:urn:idp:loa:2": (Factor.PASSWORD, Factor.TOTP)},
    )  # fmt: skip
    async with transactions.open(write=True) as stores:
        await stores.upstreams.add(stored)
        await stores.upstreams.add(upstream(id="other"))

    async with transactions.open(write=False) as stores:
        assert await stores.upstreams.find("elsewhere") == stored
        assert await stores.upstreams.find("nobody") is None
        assert await stores.upstreams.find("\x00'") is None
        assert [each.id for each in await stores.upstreams.list()] == ["elsewhere", "other"]
        assert [each.id for each in await stores.upstreams.active()] == ["other"]


async def test_an_id_is_taken_once(transactions: Transactions) -> None:
    async with transactions.open(write=True) as stores:
        await stores.upstreams.add(upstream())

    with pytest.raises(DuplicateKey):
        async with transactions.open(write=True) as stores:
            await stores.upstreams.add(upstream())


async def test_a_secret_is_kept_sealed_and_changes(database: Database, transactions: Transactions) -> None:
    async with transactions.open(write=True) as stores:
        await stores.upstreams.add(upstream(client_secret="an open secret"))
    async with database.transaction(write=False) as connection:
        from idp.storage.upstreams import upstreams

        row = (await connection.execute(upstreams.select())).first()
    assert row is not None
    assert b"an open secret" not in bytes(row.sealed_secret)

    async with transactions.open(write=True) as stores:
        found = await stores.upstreams.lock("elsewhere")
        assert found is not None
        await stores.upstreams.save(replace(found, client_secret="another"))
        changed = await stores.upstreams.find("elsewhere")
        assert changed is not None
        assert changed.client_secret == "another"


async def test_a_logo_stays_when_the_rest_changes(transactions: Transactions) -> None:
    async with transactions.open(write=True) as stores:
        await stores.upstreams.add(upstream())
        assert await stores.upstreams.logo("elsewhere") is None
        await stores.upstreams.set_logo("elsewhere", (b"picture", "image/png"))
        await stores.upstreams.save(upstream(name="Another name"))

    async with transactions.open(write=True) as stores:
        found = await stores.upstreams.find("elsewhere")
        assert found is not None
        assert found.has_logo
        assert await stores.upstreams.logo("elsewhere") == (b"picture", "image/png")
        await stores.upstreams.set_logo("elsewhere", None)
        assert await stores.upstreams.logo("elsewhere") is None


async def test_a_request_is_spent_once(transactions: Transactions) -> None:
    request = upstream_request()
    async with transactions.open(write=True) as stores:
        await stores.upstreams.add(upstream())
        await stores.upstream_requests.add(request, NOW)

    async def spend() -> bool:
        async with transactions.open(write=True) as stores:
            return await stores.upstream_requests.spend(
                request.state, upstream_id="elsewhere", browser=request.browser, now=NOW
            ) == request  # fmt: skip

    assert sorted(await asyncio.gather(spend(), spend())) == [False, True]
    assert not await spend()


async def test_a_request_is_spent_by_its_own_browser_at_its_own_provider_and_in_time_only(
    transactions: Transactions,
) -> None:
    request = upstream_request()
    async with transactions.open(write=True) as stores:
        await stores.upstreams.add(upstream())
        await stores.upstreams.add(upstream(id="other"))
        await stores.upstream_requests.add(request, NOW)
        spend = stores.upstream_requests.spend
        end, browser = request.expires_at, request.browser

        assert await spend(digest(), upstream_id="elsewhere", browser=browser, now=NOW) is None
        assert await spend(request.state, upstream_id="other", browser=browser, now=NOW) is None
        assert await spend(request.state, upstream_id="elsewhere", browser=digest(), now=NOW) is None
        assert await spend(request.state, upstream_id="elsewhere", browser=browser, now=end) is None
        assert await spend(request.state, upstream_id="elsewhere", browser=browser, now=end - TICK) == request


async def test_whoever_arrived_is_settled_once_and_in_time(transactions: Transactions) -> None:
    here, end = make_id(), NOW + 10 * MINUTE
    first = arrival(
        claims={"name": "Ada"},
        groups=("staff",),
        told=("acr:2",),
        auth_time=NOW.replace(microsecond=0),
        email="a@b.example",
    )
    async with transactions.open(write=True) as stores:
        await stores.upstreams.add(upstream())
        waiting = stores.upstream_requests
        assert await waiting.arrived(here, NOW) is None
        await waiting.arrive(here, first, end)
        await waiting.arrive(here, replace(first, sub="the newest"), end)

        found = await waiting.arrived(here, end - TICK)
        assert found == replace(first, sub="the newest")
        assert await waiting.arrived(here, end) is None
        assert await waiting.settle(here, end) is None
        assert await waiting.settle(here, NOW) == found
        assert await waiting.settle(here, NOW) is None
        assert await waiting.arrived(here, NOW) is None
        assert await waiting.settle("no key at all, and too long for one to be", NOW) is None


async def test_an_identity_is_one_persons_and_of_two_at_once_one_wins(
    transactions: Transactions, world: World
) -> None:  # fmt: skip
    key = digest()
    async with transactions.open(write=True) as stores:
        await stores.upstreams.add(upstream())

    async def link() -> bool:
        async with transactions.open(write=True) as stores:
            return await stores.upstream_identities.add(identity(world.user.id), key, arrival())

    assert sorted(await asyncio.gather(link(), link())) == [False, True]
    async with transactions.open(write=True) as stores:
        found = await stores.upstream_identities.find(key)
        assert found is not None
        assert (found.user_id, found.label) == (world.user.id, "ada")
        assert await stores.upstream_identities.find(digest()) is None
        assert await stores.upstream_identities.count("elsewhere") == 1
        await stores.upstream_identities.touch(found.id, NOW)
        assert [each.last_used_at for each in await stores.upstream_identities.of_user(world.user.id)] == [NOW]


async def test_a_link_is_removed_by_its_owner_only_and_goes_with_its_provider(
    database: Database, transactions: Transactions, world: World
) -> None:
    mine = identity(world.user.id)
    async with transactions.open(write=True) as stores:
        await stores.upstreams.add(upstream())
        await stores.upstream_identities.add(mine, digest(), arrival())
        assert not await stores.upstream_identities.remove("somebody else", mine.id)
        assert not await stores.upstream_identities.remove(world.user.id, "no key, and far too long for being one")
        assert await stores.upstream_identities.remove(world.user.id, mine.id)
        assert not await stores.upstream_identities.remove(world.user.id, mine.id)
        await stores.upstream_identities.add(identity(world.user.id), digest(), arrival())
        assert await stores.upstreams.delete("elsewhere")
        assert not await stores.upstreams.delete("elsewhere")

    assert await count(database, "upstream_identities") == 0


def test_a_key_is_of_all_three_parts_and_none_runs_into_the_next() -> None:
    keys = {
        arrival().key, arrival(upstream_id="other").key, arrival(iss="https://other.example").key,
        arrival(sub="other").key, arrival(iss="https://a|b", sub="c").key, arrival(iss="https://a", sub="b|c").key,
    }  # fmt: skip

    assert len(keys) == 6


def test_proofs_from_elsewhere_are_written_with_what_was_said_and_what_is_believed_of_it() -> None:
    proofs = (
        Proof(Factor.FEDERATED, NOW, "id", believed=(Factor.TOTP,), told=("acr:2", "amr:otp")),
        Proof(Factor.PASSWORD, NOW),
    )  # fmt: skip

    assert proofs_from_json(proofs_to_json(proofs)) == proofs
    assert len(proofs_to_json(proofs[1:])[0]) == 4  # type: ignore[arg-type]

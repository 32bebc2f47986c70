"""jti values and links: each is good for one use."""

from idp.storage.stores import Stores
from tests.support.builders import HOUR, MINUTE, NOW, TICK, digest


async def test_a_jti_is_new_once(stores: Stores) -> None:
    """RFC 7523 §3: also when it comes with another expiry."""
    seen = digest()

    assert await stores.replays.remember(seen, NOW + MINUTE)
    assert not await stores.replays.remember(seen, NOW + MINUTE)
    assert not await stores.replays.remember(seen, NOW + HOUR)
    assert await stores.replays.remember(digest(), NOW + MINUTE)


async def test_a_link_opens_once(stores: Stores) -> None:
    link = digest()
    await stores.links.add(link, purpose="administrator", expires_at=NOW + HOUR, now=NOW)

    assert await stores.links.is_open(link, purpose="administrator", now=NOW)
    assert await stores.links.is_open(link, purpose="administrator", now=NOW)  # GET and HEAD spend nothing
    assert await stores.links.spend(link, purpose="administrator", now=NOW)

    assert not await stores.links.is_open(link, purpose="administrator", now=NOW)
    assert not await stores.links.spend(link, purpose="administrator", now=NOW)


async def test_a_link_is_dead_from_its_last_moment_on(stores: Stores) -> None:
    early, late = digest(), digest()
    await stores.links.add(early, purpose="early", expires_at=NOW + HOUR, now=NOW)
    await stores.links.add(late, purpose="late", expires_at=NOW + HOUR, now=NOW)

    assert await stores.links.is_open(early, purpose="early", now=NOW + HOUR - TICK)
    assert await stores.links.spend(early, purpose="early", now=NOW + HOUR - TICK)
    assert not await stores.links.is_open(late, purpose="late", now=NOW + HOUR)
    assert not await stores.links.spend(late, purpose="late", now=NOW + HOUR)


async def test_a_link_serves_its_own_purpose(stores: Stores) -> None:
    link = digest()
    await stores.links.add(link, purpose="administrator", expires_at=NOW + HOUR, now=NOW)

    assert not await stores.links.is_open(link, purpose="reset", now=NOW)
    assert not await stores.links.spend(link, purpose="reset", now=NOW)
    assert not await stores.links.spend(digest(), purpose="administrator", now=NOW)
    assert await stores.links.spend(link, purpose="administrator", now=NOW)


async def test_only_the_newest_link_of_a_purpose_counts(stores: Stores) -> None:
    old, new, other = digest(), digest(), digest()
    await stores.links.add(old, purpose="administrator", expires_at=NOW + HOUR, now=NOW)
    await stores.links.add(other, purpose="reset", expires_at=NOW + HOUR, now=NOW)

    await stores.links.add(new, purpose="administrator", expires_at=NOW + HOUR, now=NOW + MINUTE)

    assert not await stores.links.spend(old, purpose="administrator", now=NOW + MINUTE)
    assert await stores.links.spend(other, purpose="reset", now=NOW + MINUTE)
    assert await stores.links.spend(new, purpose="administrator", now=NOW + MINUTE)


async def test_a_link_that_is_pulled_is_gone_with_what_it_held(stores: Stores) -> None:
    link = digest()
    await stores.links.add(link, purpose="shown", expires_at=NOW + HOUR, now=NOW, content={"secret": "s"})

    assert await stores.links.pull(link, purpose="other", now=NOW) is None
    pulled = await stores.links.pull(link, purpose="shown", now=NOW)

    assert pulled is not None
    assert pulled.text("secret") == "s"
    assert await stores.links.pull(link, purpose="shown", now=NOW) is None

"""Access tokens: opaque ones found by their digest, any of them revoked before its time."""

from idp.storage.stores import Stores
from tests.support.builders import MINUTE, NOW, TICK, access_token, digest, make_id
from tests.support.storage import World


async def test_an_opaque_token_is_read_as_it_was_issued_until_it_expires(stores: Stores, world: World) -> None:
    token, key = access_token(world.grant, expires_at=NOW + MINUTE), digest()
    await stores.access_tokens.add(token, key)

    assert await stores.access_tokens.find(key, NOW + MINUTE - TICK) == token
    assert await stores.access_tokens.find(key, NOW + MINUTE) is None
    assert await stores.access_tokens.find(digest(), NOW) is None


async def test_a_token_may_have_neither_scope_nor_audience(stores: Stores, world: World) -> None:
    token, key = access_token(world.grant, scopes=(), audience=()), digest()

    await stores.access_tokens.add(token, key)

    assert await stores.access_tokens.find(key, NOW) == token


async def test_a_revoked_opaque_token_is_gone_and_its_sister_is_not(stores: Stores, world: World) -> None:
    """RFC 7009 §2."""
    token, sister, key, sister_key = access_token(world.grant), access_token(world.grant), digest(), digest()
    await stores.access_tokens.add(token, key)
    await stores.access_tokens.add(sister, sister_key)

    await stores.access_tokens.revoke(token, NOW)
    await stores.access_tokens.revoke(token, NOW)

    assert await stores.access_tokens.find(key, NOW) is None
    assert await stores.access_tokens.find(sister_key, NOW) == sister


async def test_a_single_jwt_is_revoked_by_its_id(stores: Stores, world: World) -> None:
    token = access_token(world.grant)

    await stores.access_tokens.revoke(token, NOW)

    assert await stores.access_tokens.is_revoked(token.jti)
    assert not await stores.access_tokens.is_revoked(make_id())


async def test_opaque_tokens_go_with_their_client(stores: Stores, world: World) -> None:
    key = digest()
    await stores.access_tokens.add(access_token(world.grant), key)

    await stores.clients.delete(world.client.id)

    assert await stores.access_tokens.find(key, NOW) is None

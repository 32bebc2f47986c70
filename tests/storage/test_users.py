"""People: found by any spelling of their names, never two under one."""

import pytest

from idp.domain.user import BadIdentifier, Role, UserStatus
from idp.storage.stores import Stores
from idp.storage.users import IdentifierTaken
from tests.support.builders import DAY, NOW, make_user_id, user
from tests.support.storage import World


async def test_a_person_is_read_as_they_were_stored(stores: Stores) -> None:
    claims = {"name": "Zoë", "address": {"country": "DE"}, "phone_number": "+4930123456", "vip": True, "n": 1.5}
    person = user(claims=claims, role=Role.OWNER, email_verified=False)

    await stores.users.add(person)

    assert await stores.users.find(person.id) == person


@pytest.mark.parametrize("changes", [{"email": None}, {"username": None}, {"email": None, "username": None}])
async def test_a_person_may_have_no_address_or_no_username(stores: Stores, changes: dict[str, None]) -> None:
    people = [user(**changes), user(**changes)]

    for person in people:
        await stores.users.add(person)

    assert [await stores.users.find(person.id) for person in people] == people


@pytest.mark.parametrize(
    "typed", ["Zoe@Example.com", "zoe\uff20example.com", " zoe@example.com ", "ZO\u0045", "\uff3aoe", " zoe"]
)
async def test_a_person_is_found_by_any_spelling_of_their_names(stores: Stores, typed: str) -> None:
    person = user(email="zoe@example.com", username="Zoe")
    await stores.users.add(person)

    assert await stores.users.find_by_name(typed) == person


@pytest.mark.parametrize("typed", ["zo", "zoe@example.org", "zoe+x@example.com", "", "\0", "\ud800", "x" * 10_000])
async def test_any_other_name_finds_nobody(stores: Stores, typed: str) -> None:
    await stores.users.add(user(email="zoe@example.com", username="zoe"))

    assert await stores.users.find_by_name(typed) is None


@pytest.mark.parametrize("user_id", ["", "unknown", "\0", "\ud800", "é", "x" * 10_000])
async def test_an_unknown_or_impossible_id_finds_nobody(stores: Stores, user_id: str) -> None:
    assert await stores.users.find(user_id) is None


@pytest.mark.parametrize("taken", [{"email": "ZOE@example.com"}, {"username": "ZOE"}, {"username": "\uff5aoe"}])
async def test_a_name_belongs_to_one_person(stores: Stores, taken: dict[str, str]) -> None:
    """Case LG68: a collision is refused, never merged."""
    first, second = user(email="zoe@example.com", username="zoe"), user()
    await stores.users.add(first)
    await stores.users.add(second)

    with pytest.raises(IdentifierTaken):
        await stores.users.add(user(**taken))
    with pytest.raises(IdentifierTaken):
        await stores.users.save(user(id=second.id, **taken))

    assert await stores.users.find(first.id) == first
    assert await stores.users.find(second.id) == second


async def test_a_name_that_cannot_be_one_is_never_stored(stores: Stores) -> None:
    with pytest.raises(BadIdentifier):
        await stores.users.add(user(email="zoe@example.com\nBcc: x@example.com"))
    with pytest.raises(BadIdentifier):
        await stores.users.save(user(username="z\u200boe"))


async def test_a_person_without_a_time_is_our_mistake_and_no_taken_name(stores: Stores) -> None:
    with pytest.raises(Exception, match="created_at"):
        await stores.users.add(user(created_at=None))


async def test_a_changed_person_is_found_by_the_new_name_only(stores: Stores, world: World) -> None:
    changed = user(id=world.user.id, email="new@example.com", username=None, updated_at=NOW + DAY)

    await stores.users.save(changed)

    assert await stores.users.find_by_name("new@example.com") == changed
    assert await stores.users.find_by_name(str(world.user.email)) is None
    assert await stores.users.find_by_name(str(world.user.username)) is None


async def test_saving_keeps_the_time_of_birth(stores: Stores, world: World) -> None:
    await stores.users.save(user(id=world.user.id, created_at=NOW + DAY))

    saved = await stores.users.find(world.user.id)

    assert saved is not None
    assert saved.created_at == NOW


async def test_a_disabled_person_stays_findable_and_is_not_active(stores: Stores, world: World) -> None:
    assert await stores.users.set_status(world.user.id, UserStatus.DISABLED, NOW + DAY)

    found = await stores.users.find(world.user.id)

    assert found is not None
    assert (found.is_active, found.updated_at) == (False, NOW + DAY)
    assert not await stores.users.set_status(make_user_id(), UserStatus.DISABLED, NOW)


async def test_a_deleted_person_takes_everything_along(stores: Stores, world: World) -> None:
    await stores.credentials.set_password(world.user.id, "hash", NOW)

    assert await stores.users.delete(world.user.id)

    assert await stores.users.find(world.user.id) is None
    assert await stores.credentials.password_of(world.user.id) is None
    assert await stores.sessions.find(world.cookie, NOW) is None
    assert await stores.grants.find_live(world.grant.id, NOW) is None
    assert not await stores.users.delete(world.user.id)


async def test_people_are_listed_page_by_page(stores: Stores, world: World) -> None:
    people = sorted([world.user, *(user() for _ in range(4))], key=lambda person: person.id)
    for person in people:
        if person != world.user:
            await stores.users.add(person)

    first = await stores.users.list(limit=3)
    second = await stores.users.list(after=first[-1].id, limit=3)

    assert [*first, *second] == people

"""Data keys are made once, and sealed anew when the master key changes; epochs count changes."""

from idp.storage.stores import Stores


async def test_the_first_data_key_of_a_name_stays(stores: Stores) -> None:
    await stores.data_keys.add("digest", b"first")
    await stores.data_keys.add("digest", b"second")
    await stores.data_keys.add("pepper", b"other")

    assert await stores.data_keys.all() == {"digest": b"first", "pepper": b"other"}


async def test_a_data_key_is_sealed_anew_under_another_master_key(stores: Stores) -> None:
    await stores.data_keys.add("digest", b"sealed by the old one")
    await stores.data_keys.add("pepper", b"other")

    await stores.data_keys.replace("digest", b"sealed by the new one")

    assert await stores.data_keys.all() == {"digest": b"sealed by the new one", "pepper": b"other"}


async def test_epochs_count_by_name(stores: Stores) -> None:
    before = dict(await stores.epochs.all())

    for name in ("a", "b", "a"):
        await stores.epochs.bump(name)

    assert await stores.epochs.all() == before | {"a": 2, "b": 1}

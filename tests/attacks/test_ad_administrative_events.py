"""AD11: an administrator's act leaves who did it, and what was before and after, without secrets and personal data."""

import json
from dataclasses import replace
from typing import Any

from idp.domain.change import HIDDEN
from idp.domain.user import UserStatus
from tests.support.target import Target


async def told(
    provider: Target, kind: str, change: str, *, actor: str | None = "command line", **wanted: str
) -> tuple[Any, Any]:
    """Return what the one event of a kind and change about somebody says of before and after, and who did it."""
    (row,) = [
        row
        for row in await provider.events(kind)
        if json.loads(row["detail"])["change"] == change and all(row[name] == value for name, value in wanted.items())
    ]
    assert row["actor_kind"] == actor, "who did it is told as it was said, and never guessed"
    return json.loads(row["before"] or "null"), json.loads(row["after"] or "null")


async def test_ad11_what_a_client_was_and_became_is_told_without_its_secret(provider: Target) -> None:
    clients = provider.site.clients
    made, _secret = await clients.create({"client_name": "Books", "redirect_uris": ["https://rp.example/cb"]})

    changed, _ = await clients.update(made, {"client_name": "More books"})
    await clients.rotate_secret(changed)
    await clients.set_active(changed, is_active=False)
    await clients.delete(changed)

    async def about(change: str) -> tuple[Any, Any]:
        return await told(provider, "client_changed", change, client_id=made.id)

    before, after = await about("created")
    assert (before, after["redirect_uris"]) == (None, ["https://rp.example/cb"])
    assert await about("updated") == ({"client_name": "Books"}, {"client_name": "More books"})
    assert await about("secret rotated") == (None, None)
    assert await about("disabled") == ({"active": True}, {"active": False})
    before, after = await about("deleted")
    assert (before["client_name"], after) == ("More books", None)


async def test_ad11_what_an_account_was_and_became_is_told_without_personal_data(provider: Target) -> None:
    users, person = provider.site.users, await provider.account(email="lovelace@example.org")

    await users.change(replace(person.user, email="byron@example.org"))
    await users.set_status(person.user, UserStatus.DISABLED)

    async def about(change: str) -> tuple[Any, Any]:
        return await told(provider, "user_changed", change, user_id=person.id)

    before, after = await told(provider, "user_changed", "created", actor=None, user_id=person.id)
    assert (before, after["role"], after["email"]) == (None, "user", HIDDEN)
    assert await about("profile") == ({"email": HIDDEN}, {"email": HIDDEN})
    assert await about("disabled") == ({"status": "active"}, {"status": "disabled"})
    rows = json.dumps(
        [{name: str(value) for name, value in row.items()} for row in await provider.events("user_changed")]
    )
    assert "lovelace" not in rows
    assert "byron" not in rows

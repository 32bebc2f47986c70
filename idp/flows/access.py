"""Taking access away: what ends when a password, a factor or an address changes, or when somebody cries for help."""

from datetime import datetime

from idp.storage.stores import Stores

#: Links that a change of password or address kills.
VOIDED = ("reset", "change-email", "lost-factor")


async def end_elsewhere(stores: Stores, user_id: str, now: datetime, *, spare: str | None = None) -> int:
    """End every session but one, every code and every token of a person; return how many sessions ended.

    Remembered browsers are forgotten too, and links that were sent before no longer work.
    """
    ended = await stores.sessions.end_all_of(user_id, now, spare=spare)
    await stores.burn_of_user(user_id, now)
    await stores.grants.revoke_of_user(user_id, now)
    await stores.remembered_browsers.forget(user_id)
    for purpose in VOIDED:
        await stores.links.void(purpose, user_id, now)
    return len(ended)


async def remove_person(stores: Stores, user_id: str, now: datetime) -> bool:
    """Remove a person and all that hangs on them, their sessions with a word to their clients first; False if gone."""
    await stores.sessions.end_all_of(user_id, now)
    return await stores.users.delete(user_id)


async def end_everywhere(stores: Stores, user_id: str, now: datetime) -> None:
    """End all access to an account that may have been in other hands; none of its browsers is known any more."""
    await end_elsewhere(stores, user_id, now)
    await stores.known_devices.forget(user_id)


async def wipe_factors(stores: Stores, user_id: str, *, keep_password: bool) -> None:
    """Remove what a person proves themselves with: all, or all but what a sign-in begins with besides a passkey."""
    await stores.credentials.remove_all(user_id, keep_password=keep_password)
    if not keep_password:
        await stores.upstream_identities.remove_all(user_id)
    await stores.recovery_codes.remove(user_id)
    await stores.remembered_browsers.forget(user_id)
    await stores.one_time_codes.forget_of_user(user_id)

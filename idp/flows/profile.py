"""What people change about themselves: name, address, password – each with a notice to who should know.

Addresses change by a code to the new one; the old one is told and can take the change back.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from zoneinfo import available_timezones

from idp.domain.assurance import Factor
from idp.domain.event import EventKind
from idp.domain.json import Json
from idp.domain.refusal import Refusal, Refused
from idp.domain.user import BadIdentifier, User, normalise_username, plain_email
from idp.factors.one_time_code import OneTimeCodes
from idp.flows.access import end_elsewhere
from idp.flows.links import link_digest
from idp.flows.new_password import Accepted, NewPassword
from idp.flows.notices import UNDO_EMAIL, Notices
from idp.flows.recovery import Recovery
from idp.oauth.context import Context
from idp.policy import lifetimes
from idp.storage.users import IdentifierTaken

CHANGE_EMAIL = "change-email"
LONGEST_NAME = 200
#: What a person may say of themselves; everything else is the operator's.
OWN_CLAIMS = ("name", "given_name", "family_name", "nickname", "birthdate", "locale", "zoneinfo", "website")


class Profile:
    """Changes a person's own data."""

    def __init__(self, codes: OneTimeCodes, new_password: NewPassword, recovery: Recovery, notices: Notices) -> None:
        """Keep what the steps need."""
        self._codes = codes
        self.new_password = new_password
        self._recovery = recovery
        self._notices = notices

    async def change(self, context: Context, user: User, fields: Mapping[str, str]) -> Refused | None:
        """Store what a person says of themselves; fields that are not theirs to set are ignored (AD03)."""
        claims: dict[str, Json] = dict(user.claims)
        for name in OWN_CLAIMS:
            if name in fields:
                value = " ".join(fields[name].split())[:LONGEST_NAME]
                if not is_plausible_claim(name, value):
                    return Refused(Refusal.NAME_INVALID)
                claims[name] = value
        username = user.username
        if fields.get("username"):
            try:
                username = normalise_username(fields["username"]) and fields["username"].strip()
            except BadIdentifier:
                return Refused(Refusal.USERNAME_INVALID)
        changed = replace(
            user, username=username, claims={name: value for name, value in claims.items() if value != ""},
            updated_at=context.now,
        )  # fmt: skip
        try:
            await context.stores.users.save(changed)
        except IdentifierTaken:
            return Refused(Refusal.USERNAME_TAKEN)
        await context.record(EventKind.PROFILE_CHANGED, user_id=user.id)
        return None

    async def change_password(
        self, context: Context, user: User, accepted: Accepted, *, session_id: str | None
    ) -> None:
        """Store a new password; every other session ends."""
        await self.new_password.store(context.stores, user.id, accepted, context.now)
        await end_elsewhere(context.stores, user.id, context.now, spare=session_id)
        await context.record(EventKind.PASSWORD_CHANGED, user_id=user.id, session_id=session_id)
        await self._notices.tell(context.stores, user, "password_changed", context.now)

    async def start_email_change(self, context: Context, user: User, typed: str, *, binding: str) -> str | Refused:
        """Send a code to the new address and return it; one that has an account gets a hint instead."""
        try:
            address = plain_email(typed)
        except BadIdentifier:
            return Refused(Refusal.EMAIL_INVALID)
        stores, now = context.stores, context.now
        made = await self._codes.make(
            stores, binding=binding, purpose=CHANGE_EMAIL, user_id=user.id, destination=address, now=now
        )
        if isinstance(made, Refused):
            return made
        taken = await stores.users.find_by_name(address)
        locale = self._notices.locale_of(user)
        if taken is not None and taken.id != user.id:
            await self._notices.mail(
                stores, "address_taken", to=taken.email or address, locale=locale, now=now,
                life=lifetimes.ONE_TIME_CODE, link=self._notices.url("account/forgot"),
            )  # fmt: skip
        else:
            assert made.code is not None
            await self._notices.code(stores, user, Factor.EMAIL_OTP, made.code, address, now, kind="change_email")
        await context.record(EventKind.CODE_SENT, user_id=user.id, factor=Factor.EMAIL_OTP.value)
        return address

    async def confirm_email_change(
        self, context: Context, user: User, answer: str, *, binding: str, session_id: str
    ) -> Refused | None:
        """Take the code: exactly the address it was sent to counts from now on, and the old one is told."""
        stores, now = context.stores, context.now
        sent = await self._codes.check(stores, binding=binding, purpose=CHANGE_EMAIL, answer=answer, now=now)
        if isinstance(sent, Refused):
            return sent
        taken = await stores.users.find_by_name(sent.destination)
        if taken is not None and taken.id != user.id:
            return Refused(Refusal.CODE_WRONG)
        changed = replace(user, email=sent.destination, email_verified=True, updated_at=now)
        try:
            await stores.users.save(changed)
        except IdentifierTaken:
            return Refused(Refusal.CODE_WRONG)
        await end_elsewhere(stores, user.id, now, spare=session_id)
        await context.record(EventKind.EMAIL_CHANGED, user_id=user.id, session_id=session_id)
        if user.email is not None and user.email_verified and user.email != sent.destination:
            await self._notices.address_replaced(stores, user, sent.destination, now)
        await self._notices.tell(stores, changed, "email_changed_here", now, new_email=sent.destination)
        return None

    async def undo_email_change(self, context: Context, secret: str) -> bool:
        """Give an account its old address back; everybody is out, and the password is off until its reset."""
        stores, now = context.stores, context.now
        link = await stores.links.take(link_digest(context, secret), purpose=UNDO_EMAIL, now=now)
        user = await stores.users.find(link.user_id) if link is not None and link.user_id else None
        if link is None or user is None:
            return False
        restored = replace(user, email=link.text("old"), email_verified=True, updated_at=now)
        try:
            await stores.users.save(restored)
        except IdentifierTaken:
            return False
        await context.record(EventKind.EMAIL_CHANGE_UNDONE, user_id=user.id)
        await self._recovery.lock(context, restored, kind="email_change_undone")
        return True


def is_plausible_claim(name: str, value: str) -> bool:
    """Say whether a claim of the profile may have this value: printable, and of the claim's own form."""
    if any(not character.isprintable() for character in value):
        return False
    if name == "birthdate":
        return value == "" or _is_date(value)
    if name == "zoneinfo":
        return value == "" or value in _zones()
    if name == "website":
        return value == "" or value.startswith(("https://", "http://"))
    return True


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())  # looks through a folder of hundreds of files


def _is_date(value: str) -> bool:
    parts = value.split("-")
    return len(parts) == 3 and [len(part) for part in parts] == [4, 2, 2] and all(part.isdigit() for part in parts)

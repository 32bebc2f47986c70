"""Accounts as an operator sees them: created, changed, disabled, deleted; each with its audit row."""

from dataclasses import dataclass, replace
from datetime import datetime

from idp.clock import Clock
from idp.domain.change import PERSONAL, difference
from idp.domain.event import Event, EventKind
from idp.domain.json import Json, JsonObject
from idp.domain.refusal import Refusal, Refused
from idp.domain.secret import Digester, make_secret, make_user_id
from idp.domain.user import (
    RESERVED_CLAIMS,
    BadIdentifier,
    Role,
    User,
    UserStatus,
    normalise_username,
    plain_email,
)  # fmt: skip
from idp.factors.password import PasswordHasher
from idp.factors.password_judge import PasswordJudge
from idp.flows.access import end_everywhere, remove_person
from idp.policy import lifetimes
from idp.storage.stores import Stores, Transactions
from idp.storage.users import IdentifierTaken

ADMINISTRATOR_LINK = "administrator"
NAME_CLAIMS = ("name", "given_name", "family_name", "nickname", "preferred_username")


@dataclass(frozen=True, slots=True)
class NewUser:
    """What is needed to make an account."""

    email: str | None
    username: str | None
    password: str | None
    claims: JsonObject
    email_verified: bool = False
    role: Role = Role.USER


def account_of(new: NewUser) -> User | Refusal:
    """Return the account that would be made, with a new id, or why there can be none."""
    try:
        email = plain_email(new.email) if new.email else None
    except BadIdentifier:
        return Refusal.EMAIL_INVALID
    try:
        username = normalise_username(new.username) and new.username.strip() if new.username else None
    except BadIdentifier:
        return Refusal.USERNAME_INVALID
    if email is None and username is None:
        return Refusal.MISSING_FIELDS
    claims = {name: value for name, value in new.claims.items() if name not in RESERVED_CLAIMS}
    return User(make_user_id(), UserStatus.ACTIVE, new.role, email, new.email_verified, username, claims)


class UserAdministration:
    """What operators and the first administrator do with accounts."""

    def __init__(
        self, transactions: Transactions, hasher: PasswordHasher, judge: PasswordJudge, digester: Digester, clock: Clock
    ) -> None:
        """Keep what the steps need."""
        self._transactions = transactions
        self._hasher = hasher
        self._judge = judge
        self._digester = digester
        self._clock = clock

    async def create(self, new: NewUser, *, link: str | None = None) -> User | Refused:
        """Make an account; with `link`, spend it in the same transaction (first administrator)."""
        checked = account_of(new)
        if isinstance(checked, Refusal):
            return Refused(checked)
        refused = await self.judge_password(new.password, checked) if new.password is not None else None
        if refused is not None:
            return Refused(refused)
        hashed = await self._hasher.hash(new.password) if new.password is not None else None
        now = self._clock.now()
        user = replace(checked, created_at=now, updated_at=now)
        try:
            async with self._transactions.open(write=True) as stores:
                if link is not None and not await self._spend(stores, link, now):
                    return Refused(Refusal.LINK_SPENT)
                await self._store(stores, user, hashed, now)
        except IdentifierTaken:
            is_email = user.email is not None
            return Refused(Refusal.EMAIL_TAKEN if is_email else Refusal.USERNAME_TAKEN)
        return user

    async def judge_password(self, password: str, user: User) -> Refusal | None:
        """Return why a password is refused for this person, None if it may be used."""
        names = [claim for claim in map(user.claims.get, NAME_CLAIMS) if isinstance(claim, str)]
        own_words = (user.email, user.username, *names)
        return (await self._judge.judge_new(password, own_words=own_words)).refusal

    async def _store(self, stores: Stores, user: User, hashed: str | None, now: datetime) -> None:
        await stores.users.add(user)
        if hashed is not None:
            await stores.credentials.set_password(user.id, hashed, now)
        kind = EventKind.ADMINISTRATOR_MADE if user.role is Role.OWNER else EventKind.USER_CHANGED
        await stores.events.add(_event(user.id, "created", after=user, kind=kind), now)

    async def find(self, name: str) -> User | None:
        """Return the person with this id, e-mail address or username."""
        async with self._transactions.open(write=False) as stores:
            return await stores.users.find(name) or await stores.users.find_by_name(name)

    async def list(self, *, after: str = "", limit: int = 100) -> list[User]:
        """Return people in the order of their ids."""
        async with self._transactions.open(write=False) as stores:
            return list(await stores.users.list(after=after, limit=limit))

    async def set_password(self, user: User, password: str) -> Refused | None:
        """Replace a password: every session and grant of the person ends."""
        refused = await self.judge_password(password, user)
        if refused is not None:
            return Refused(refused)
        hashed = await self._hasher.hash(password)
        now = self._clock.now()
        async with self._transactions.open(write=True) as stores:
            await stores.credentials.set_password(user.id, hashed, now)
            await end_everywhere(stores, user.id, now)
            await stores.events.add(_event(user.id, "password"), now)
        return None

    async def change(self, user: User) -> Refused | None:
        """Store changed identifiers or claims."""
        now = self._clock.now()
        try:
            async with self._transactions.open(write=True) as stores:
                email = plain_email(user.email) if user.email else None
                before, after = await stores.users.find(user.id), replace(user, email=email, updated_at=now)
                await stores.users.save(after)
                await stores.events.add(_event(user.id, "profile", before=before, after=after), now)
        except BadIdentifier:
            return Refused(Refusal.EMAIL_INVALID)
        except IdentifierTaken:
            return Refused(Refusal.EMAIL_TAKEN)
        return None

    async def set_status(self, user: User, status: UserStatus) -> None:
        """Enable a person, or disable them: every session, code and token ends."""
        now = self._clock.now()
        async with self._transactions.open(write=True) as stores:
            await stores.users.set_status(user.id, status, now)
            if status is UserStatus.DISABLED:
                await end_everywhere(stores, user.id, now)
            event = _event(user.id, status.value, before=user, after=replace(user, status=status))
            await stores.events.add(event, now)

    async def delete(self, user: User) -> None:
        """Remove a person and all that hangs on them; their id is never used again."""
        now = self._clock.now()
        async with self._transactions.open(write=True) as stores:
            await remove_person(stores, user.id, now)
            await stores.events.add(_event(user.id, "deleted", before=user), now)

    async def administrator_link(self) -> str:
        """Return a new secret for the one-time link that makes an administrator; older links die."""
        secret, now = make_secret(), self._clock.now()
        async with self._transactions.open(write=True) as stores:
            await stores.links.add(
                self._digester.digest("link", secret),
                purpose=ADMINISTRATOR_LINK,
                expires_at=now + lifetimes.ADMINISTRATOR_LINK,
                now=now,
            )
        return secret

    async def is_link_open(self, secret: str) -> bool:
        """Say whether a link could still be used, without using it."""
        digest = self._digester.digest("link", secret)
        async with self._transactions.open(write=False) as stores:
            return await stores.links.is_open(digest, purpose=ADMINISTRATOR_LINK, now=self._clock.now())

    async def promote(self, user: User, *, link: str) -> Refused | None:
        """Make a person who is signed in an administrator by spending the link."""
        now = self._clock.now()
        async with self._transactions.open(write=True) as stores:
            if not await self._spend(stores, link, now):
                return Refused(Refusal.LINK_SPENT)
            after = replace(user, role=Role.OWNER, updated_at=now)
            await stores.users.save(after)
            before = {"role": user.role.value}
            event = Event(
                EventKind.ADMINISTRATOR_MADE, user_id=user.id, before=before, after={"role": after.role.value}
            )
            await stores.events.add(event, now)
        return None

    async def _spend(self, stores: Stores, link: str, now: datetime) -> bool:
        return await stores.links.spend(self._digester.digest("link", link), purpose=ADMINISTRATOR_LINK, now=now)


def _event(
    user_id: str,
    change: str,
    *,
    before: User | None = None,
    after: User | None = None,
    kind: EventKind = EventKind.USER_CHANGED,
) -> Event:
    was, is_ = difference(*({} if each is None else _members(each) for each in (before, after)), hidden=PERSONAL)
    return Event(kind, user_id=user_id, detail={"change": change}, before=was or None, after=is_ or None)


def _members(user: User) -> dict[str, Json]:
    return {
        "status": user.status.value, "role": user.role.value, "email": user.email, "username": user.username,
        "email_verified": user.email_verified, "claims": user.claims,
    }  # fmt: skip

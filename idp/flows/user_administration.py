"""Accounts as an operator sees them: created, changed, disabled, deleted; each with its audit row."""

from dataclasses import replace
from datetime import datetime

from idp.clock import Clock
from idp.domain.change import PERSONAL, difference
from idp.domain.event import Actor, ActorKind, Event, EventKind
from idp.domain.json import Json
from idp.domain.refusal import Refusal, Refused
from idp.domain.secret import Digester, make_secret
from idp.domain.user import Role, User, UserStatus
from idp.factors.password import PasswordHasher
from idp.factors.password_judge import PasswordJudge
from idp.flows.access import end_everywhere
from idp.flows.admin import people, users
from idp.flows.admin.callers import of_command
from idp.flows.admin.operation import Administration, I, O, Operation
from idp.flows.admin.problem import Code, Problem
from idp.flows.new_account import NewUser, account_of
from idp.policy import lifetimes
from idp.storage.stores import Stores, Transactions
from idp.storage.users import IdentifierTaken

ADMINISTRATOR_LINK = "administrator"
_WORDS = {"email": Refusal.EMAIL_INVALID, "username": Refusal.USERNAME_INVALID}
NAME_CLAIMS = ("name", "given_name", "family_name", "nickname", "preferred_username")


class UserAdministration:
    """What operators and the first administrator do with accounts."""

    def __init__(
        self, administration: Administration, transactions: Transactions, hasher: PasswordHasher, judge: PasswordJudge,
        digester: Digester, clock: Clock,
    ) -> None:  # fmt: skip
        """Keep what the steps need."""
        self._administration = administration
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
        before = await self.find(user.id)
        known = before.claims if before is not None else {}
        gone: dict[str, Json] = dict.fromkeys(known.keys() - user.claims.keys())
        changed = {name: value for name, value in user.claims.items() if value != known.get(name)}
        groups = changed.pop("groups", None) or (() if "groups" in gone else None)
        gone.pop("groups", None)
        given: dict[str, object] = {} if groups is None else {"groups": [*groups]}  # type: ignore[misc]
        try:
            await self._do(
                users.UPDATE, id=user.id, email=user.email, username=user.username, email_verified=user.email_verified,
                claims={**changed, **gone}, **given,
            )  # fmt: skip
        except Problem as problem:
            return Refused(_refusal_of(problem))
        return None

    async def set_status(self, user: User, status: UserStatus) -> None:
        """Enable a person, or disable them: every session, code and token ends."""
        await self._do(people.DISABLE if status is UserStatus.DISABLED else people.ENABLE, id=user.id)

    async def delete(self, user: User) -> None:
        """Remove a person and all that hangs on them; their id is never used again."""
        await self._do(people.DELETE, id=user.id)

    async def _do(self, operation: Operation[I, O], **given: object) -> O:
        caller = of_command(self._transactions.actor or Actor(ActorKind.COMMAND_LINE))
        return await self._administration.call(operation, caller, given)

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


def _refusal_of(problem: Problem) -> Refusal:
    """Return the refusal in one word; raise the problem if there is none for it."""
    if problem.code is Code.TAKEN:
        return Refusal.EMAIL_TAKEN
    for fault in problem.faults:
        if fault.member in _WORDS:
            return _WORDS[fault.member]
    raise problem


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

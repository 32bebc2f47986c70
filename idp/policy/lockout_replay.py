"""Whom a policy would lock out, were it enforced now: every person is replayed at their last ordinary sign-in.

A file that leaves any current administrator, or more than one in a hundred active users, without a way in is refused.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from idp.policy.ability import Ability
from idp.policy.facts import Facts
from idp.policy.rules import Decision, Policy
from idp.policy.verdict import decide

MOST_USERS = 0.01


@dataclass(frozen=True, slots=True)
class Person:
    """One active user: the facts of a sign-in, and what they can prove."""

    user: str
    facts: Facts
    ability: Ability
    is_admin: bool = False


@dataclass(frozen=True, slots=True)
class LockedOut:
    """Who would be denied or left without a way, of how many."""

    people: int
    users: tuple[str, ...]
    admins: tuple[str, ...]

    @property
    def refusal(self) -> str | None:
        """Return why the file is refused, None if it is not."""
        if self.admins:
            return f"it would lock out {len(self.admins)} administrators: {', '.join(self.admins[:10])}"
        if self.people and len(self.users) / self.people > MOST_USERS:
            return f"it would lock out {len(self.users)} of {self.people} active users, more than {MOST_USERS:.0%}"
        return None


def lockout(policy: Policy, people: Iterable[Person]) -> LockedOut:
    """Return who could not sign in under this policy, administrators apart as well."""
    count, users, admins = 0, list[str](), list[str]()
    for person in people:
        count += 1
        if decide(policy, person.facts, person.ability).decision is Decision.DENY:
            users.append(person.user)
            if person.is_admin:
                admins.append(person.user)
    return LockedOut(count, tuple(users), tuple(admins))

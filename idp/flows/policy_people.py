"""Whom a policy would lock out among the people who are here now, read page by page.

Everybody is taken at an ordinary sign-in with what they can use today, without a browser that is remembered. Left out
are those who could not begin a sign-in under any policy: nobody locks out an account that has no way in yet.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime

from idp.domain.assurance import Factor, Proof
from idp.domain.user import Role, User
from idp.flows.enrolled import keys_of
from idp.policy import ability as abilities
from idp.policy import step_up
from idp.policy.facts import Facts, Value, ordinary
from idp.policy.lockout_replay import LockedOut, Person, lockout
from idp.policy.rules import Policy
from idp.policy.step_up import Rules
from idp.storage.stores import Stores, Transactions

PAGE = 200
FIRST_FACTORS = frozenset({Factor.PASSWORD, Factor.WEBAUTHN})


async def locked_out(transactions: Transactions, rules: Rules, policy: Policy, now: datetime) -> LockedOut:
    """Return who of the active people could not sign in under this policy, administrators apart as well."""
    people, users, admins = 0, list[str](), list[str]()
    async for page in _pages(transactions, rules, policy, now):
        found = lockout(policy, page)
        people += found.people
        users += found.users
        admins += found.admins
    return LockedOut(people, tuple(users), tuple(admins))


async def _pages(
    transactions: Transactions, rules: Rules, policy: Policy, now: datetime
) -> AsyncIterator[Sequence[Person]]:
    """Yield the active people; each page is a transaction of its own, so that no lock and no snapshot lasts."""
    after = ""
    while True:
        async with transactions.open(write=False) as stores:
            users = await stores.users.list(after=after, limit=PAGE)
            found = [await _person(stores, rules, policy, user, now) for user in users if user.is_active]
        yield [person for person in found if person is not None]
        if len(users) < PAGE:
            return
        after = users[-1].id


async def _person(stores: Stores, rules: Rules, policy: Policy, user: User, now: datetime) -> Person | None:
    factors = await stores.credentials.factors_of(user.id)
    if not factors & FIRST_FACTORS:
        return None
    has_password = Factor.PASSWORD in factors
    usable = await _usable(stores, rules, user, factors)
    proofs = (Proof(Factor.PASSWORD, now),) if has_password else ()
    ability = abilities.of_facts(now, proofs, usable, rules, has_password=has_password)
    return Person(user.id, _facts(policy, user, ability.enrolled, now), ability, is_admin=user.role is not Role.USER)


async def _usable(stores: Stores, rules: Rules, user: User, factors: frozenset[Factor]) -> step_up.Facts:
    """Return what a person can use beside the password; see enrolled.py, which asks the same of a visit."""
    usable = set(factors - {Factor.PASSWORD})
    if not rules.sends_sms:
        usable.discard(Factor.SMS_OTP)
    if rules.sends_mail and user.email is not None and user.email_verified:
        usable.add(Factor.EMAIL_OTP)
    if usable & step_up.SECOND_FACTORS and await stores.recovery_codes.count(user.id):
        usable.add(Factor.RECOVERY_CODE)
    keys = await keys_of(stores, rules, user.id) if Factor.WEBAUTHN in usable else step_up.Facts()
    return replace(keys, enrolled=frozenset(usable))


def _facts(policy: Policy, user: User, enrolled: frozenset[Factor], now: datetime) -> Facts:
    known: dict[str, Value] = {
        "groups": frozenset(user.groups),
        "enrolled": frozenset(factor.value for factor in enrolled),
        "user.class": "standard" if user.role is Role.USER else "privileged",
        "user.break_glass": policy.break_glass_group in user.groups,
    }
    if user.created_at is not None:
        known["account.age"] = now - user.created_at
    hidden = frozenset[str]()
    if user.email_verified_at is not None:
        known["email.verified_age"] = now - user.email_verified_at
    else:
        hidden = frozenset({"email.verified_age"})
    return ordinary().but(known, hidden)

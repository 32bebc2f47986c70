"""How guesses are counted: by account, by known device, by network – before anything is verified.

Every door that takes a password shares these counters. Success clears only the counter that the attempt was counted
on, never the network's.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address

from idp.domain.assurance import Factor
from idp.domain.refusal import Refusal, Refused
from idp.domain.secret import Digest, Digester
from idp.policy import lockout
from idp.storage.attempts import Blocked
from idp.storage.stores import Stores


@dataclass(frozen=True, slots=True)
class Budget:
    """The counters that one attempt is charged to."""

    account: Digest
    network: Digest
    counter: Digest
    is_known_device: bool
    velocity: tuple[Digest, ...] = ()  # what the risk engine weighs: failures of the account, and of it from here


def network_of(address: str) -> str:
    """Return the network that an address is counted with: an IPv4 address itself, an IPv6 /64."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Address(int(parsed) >> 64 << 64))


def budget(digester: Digester, *, account: bytes, address: str, device_id: str | None) -> Budget:
    """Return the counters for an attempt on an account; a known device has one of its own."""
    account_text = account.hex()
    counter = digester.digest("password_attempts", f"{account_text}|{device_id or ''}")
    network = digester.digest("network", network_of(address))
    velocity = (
        digester.digest("account_failures", account_text),
        digester.digest("account_network", f"{account_text}|{network_of(address)}"),
    )
    return Budget(digester.digest("account", account_text), network, counter, device_id is not None, velocity)


async def reserve(stores: Stores, budget: Budget, now: datetime, *, limits_floods: bool) -> Refused | None:
    """Count an attempt before it is verified; say how long to wait if it may not be made."""
    if limits_floods and not budget.is_known_device and await _network_is_full(stores, budget, now):
        return Refused(Refusal.THROTTLED, lockout.NETWORK_WINDOW)
    counted = await stores.attempts.reserve(
        budget.counter, now, waits=lockout.PASSWORD_WAITS, memory=lockout.PASSWORD_MEMORY
    )
    if isinstance(counted, Blocked):
        return Refused(Refusal.THROTTLED, max(counted.until - now, timedelta(seconds=1)))
    return None


def _source(digester: Digester, address: str, agent: str) -> Digest:
    """Return the counter of a network and a kind of browser: what a denial hits, and never an account."""
    return digester.digest("denied_source", f"{network_of(address)}|{agent}")


async def deny(
    stores: Stores, digester: Digester, *, address: str, agent: str, now: datetime, length: timedelta
) -> None:
    """Keep this network and browser from trying for a while."""
    await stores.attempts.block(_source(digester, address, agent), now, now + length)


async def denied(stores: Stores, digester: Digester, *, address: str, agent: str, now: datetime) -> Refused | None:
    """Say how long this network and browser must wait, if a policy denied them."""
    until = await stores.attempts.blocked_until(_source(digester, address, agent), now)
    return None if until is None else Refused(Refusal.THROTTLED, max(until - now, timedelta(seconds=1)))


async def _network_is_full(stores: Stores, budget: Budget, now: datetime) -> bool:
    window = lockout.NETWORK_ACCOUNTS_WINDOW
    accounts = await stores.attempts.note_account(budget.network, budget.account, now, window=window)
    failures = await stores.attempts.count(budget.network, now)
    return accounts > lockout.NETWORK_ACCOUNTS or failures >= lockout.NETWORK_FAILURES


async def reserve_code(
    stores: Stores, digester: Digester, *, user_id: str, factor: Factor, now: datetime
) -> Refused | None:
    """Count an answer to a code before it is checked; say how long to wait if it may not be made.

    Over all sessions of the account: 5 in 5 minutes, 20 an hour, 50 a day.
    """
    for subject, (limit, window) in zip(_code_counters(digester, user_id, factor), lockout.CODE_LIMITS, strict=True):
        counted = await stores.attempts.add_in_window(subject, now, window=window)
        if counted > limit:
            return Refused(Refusal.THROTTLED, window)
    return None


async def code_succeeded(stores: Stores, digester: Digester, *, user_id: str, factor: Factor) -> None:
    """Give the counters of this factor back, and of no other."""
    for subject in _code_counters(digester, user_id, factor):
        await stores.attempts.clear(subject)


async def forgive(stores: Stores, digester: Digester, user_id: str) -> None:
    """Forget the failures of an account's password after its reset; no network's, and no other factor's."""
    await stores.attempts.clear(digester.digest("password_attempts", f"{user_id.encode().hex()}|"))


def _code_counters(digester: Digester, user_id: str, factor: Factor) -> list[Digest]:
    return [digester.digest("code_attempts", f"{user_id}|{factor.value}|{limit}") for limit, _ in lockout.CODE_LIMITS]


async def succeeded(stores: Stores, budget: Budget) -> None:
    """Give the counter back after the right password."""
    await stores.attempts.clear(budget.counter)


@dataclass(frozen=True, slots=True)
class FailureCounts:
    """Failures within the last hour, as the risk engine weighs them; `share` is this network's of the account's."""

    network: int
    account: int
    share: float | None
    is_spraying: bool


async def failures_of(
    stores: Stores, digester: Digester, *, account: bytes, address: str, now: datetime
) -> FailureCounts:
    """Count what failed lately at an account and from a network."""
    network = network_of(address)
    from_here = await stores.attempts.count(digester.digest("network", network), now)
    at_account = await stores.attempts.count(digester.digest("account_failures", account.hex()), now)
    both = await stores.attempts.count(digester.digest("account_network", f"{account.hex()}|{network}"), now)
    is_spraying = await is_sprayed_from(stores, digester, address=address, now=now)
    share = min(1.0, both / at_account) if at_account else None
    return FailureCounts(from_here, at_account, share, is_spraying)


async def is_sprayed_from(stores: Stores, digester: Digester, *, address: str, now: datetime) -> bool:
    """Say whether many accounts were tried from a network lately."""
    tried = await stores.attempts.accounts_of(digester.digest("network", network_of(address)), now)
    return tried >= lockout.SPRAYED_ACCOUNTS


async def failed(stores: Stores, budget: Budget, now: datetime) -> None:
    """Charge the network too; the account was charged when the attempt was reserved."""
    for subject in (budget.network, *budget.velocity):
        await stores.attempts.add_in_window(subject, now, window=lockout.NETWORK_WINDOW)

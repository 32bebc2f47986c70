"""What advice shares between processes, kept in this one: answers, limits, the friction budget and the breaker."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from idp.providers.adviser.port import RawAnswer
from idp.risk.advice import Why
from idp.risk.allowance import PER_PREFIX, PER_USER, Bucket, Calls, Prices, Spent
from idp.risk.breaker import Breaker
from idp.risk.consultation import Caller, Stores

BEGIN = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@dataclass
class FrozenClock:
    """A clock that stands until it is moved."""

    time: datetime = BEGIN

    def now(self) -> datetime:
        """Return its time."""
        return self.time

    def advance(self, by: timedelta) -> None:
        """Move it."""
        self.time += by


@dataclass
class KeptAnswers:
    """Accepted answers by key."""

    kept: dict[str, tuple[RawAnswer, datetime]] = field(default_factory=dict)

    async def find(self, key: str, now: datetime) -> RawAnswer | None:
        """Return the answer unless it is unknown or expired."""
        answer, expires_at = self.kept.get(key, (None, now))
        return answer if expires_at > now else None

    async def keep(self, key: str, answer: RawAnswer, expires_at: datetime) -> None:
        """Store an answer."""
        self.kept[key] = (answer, expires_at)


@dataclass
class CountedAllowances:
    """Limits as in production, and a friction budget per tenant."""

    prices: Prices = field(default_factory=lambda: Prices(1_000_000))
    spent: Spent = field(default_factory=lambda: Spent(BEGIN.date()))
    calls: dict[bytes, Calls] = field(default_factory=dict)
    buckets: dict[bytes, Bucket] = field(default_factory=dict)

    async def take(self, caller: Caller, now: datetime) -> Why | None:
        """Count one call; else say which limit is reached."""
        user = self.calls.get(caller.user, Calls()).add(now, PER_USER)
        prefix = self.calls.get(caller.prefix, Calls()).add(now, PER_PREFIX)
        spent = self.spent.on(now.date()).reserve(self.prices)
        if user is None:
            return Why.USER_LIMIT
        if prefix is None:
            return Why.NETWORK_LIMIT
        if spent is None:
            return Why.DAY_LIMIT
        self.calls |= {caller.user: user, caller.prefix: prefix}
        self.spent = spent
        return None

    async def settle(self, tokens_in: int, tokens_out: int, now: datetime) -> None:
        """Put a call's own tokens in place of the reckoned ones."""
        self.spent = self.spent.on(now.date()).settle(tokens_in, tokens_out)

    async def pay(self, tenant: bytes) -> bool:
        """Take one prompt from the tenant's budget."""
        paid = self.buckets.get(tenant, Bucket()).pay()
        if paid is not None:
            self.buckets[tenant] = paid
        return paid is not None

    def earn(self, tenant: bytes, rate: float) -> None:
        """Count one sign-in of the tenant."""
        self.buckets[tenant] = self.buckets.get(tenant, Bucket()).earn(rate)


@dataclass
class KeptHealth:
    """The breaker."""

    breaker: Breaker = field(default_factory=Breaker)

    async def is_resting(self, now: datetime) -> bool:
        """Say whether no question may go out."""
        return self.breaker.admit(now) is None

    async def admit(self, now: datetime) -> bool:
        """Say whether a question may go out."""
        admitted = self.breaker.admit(now)
        if admitted is not None:
            self.breaker = admitted
        return admitted is not None

    async def report(self, now: datetime, *, is_good: bool) -> None:
        """Count an answer or a failure."""
        self.breaker = self.breaker.after(now, is_good=is_good)


@dataclass
class KeptStores:
    """All of them."""

    answers: KeptAnswers = field(default_factory=KeptAnswers)
    allowances: CountedAllowances = field(default_factory=CountedAllowances)
    health: KeptHealth = field(default_factory=KeptHealth)

    def ports(self) -> Stores:
        """Return what a Consultant takes."""
        return Stores(self.answers, self.allowances, self.health)

"""What advice may cost: calls of a person and of a network, tokens and money of a day, and prompts of a tenant.

All are values that are replaced, so that one store can hold them for many processes; a time is always an argument.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

HOUR = timedelta(hours=1)
PER_USER = 3
PER_PREFIX = 20
TOKENS_IN = 500  # what a call is reckoned at until its answer says more
TOKENS_OUT = 80
WHOLE_PROMPT = 1_000_000  # a bucket counts in millionths, since a sum of floats is not exact


@dataclass(frozen=True, slots=True)
class Bucket:
    """The friction budget of one tenant: raises that change an outcome are paid from it; it starts empty."""

    millionths: int = 0

    def earn(self, rate: float) -> "Bucket":
        """Return the bucket after a sign-in that earns that share of one prompt; it holds one at most."""
        return Bucket(min(WHOLE_PROMPT, self.millionths + int(max(0.0, min(1.0, rate)) * WHOLE_PROMPT)))

    def pay(self) -> "Bucket | None":
        """Return the bucket after one prompt; None if it does not hold one."""
        return Bucket(self.millionths - WHOLE_PROMPT) if self.millionths >= WHOLE_PROMPT else None


@dataclass(frozen=True, slots=True)
class Calls:
    """When questions were asked for one person or one network, oldest first."""

    at: tuple[datetime, ...] = ()

    def add(self, now: datetime, limit: int) -> "Calls | None":
        """Return the calls with one more; None if there were `limit` within the past hour."""
        recent = tuple(moment for moment in self.at if moment > now - HOUR)
        return Calls((*recent, now)) if len(recent) < limit else None


@dataclass(frozen=True, slots=True)
class Prices:
    """The caps of a day, and what a million tokens cost; a price of 0 is an unknown one, and caps nothing."""

    tokens_per_day: int
    cost_per_day: float = 0.0
    price_in: float = 0.0
    price_out: float = 0.0

    def cost(self, tokens_in: int, tokens_out: int) -> float:
        """Return what a call costs, in the currency of the prices."""
        return (tokens_in * self.price_in + tokens_out * self.price_out) / 1_000_000


@dataclass(frozen=True, slots=True)
class Spent:
    """What advice has cost on one day, in UTC; calls under way stand in it as they are reckoned."""

    day: date
    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0

    def on(self, day: date) -> "Spent":
        """Return this, or a fresh one if it is of another day."""
        return self if self.day == day else Spent(day)

    def reserve(self, prices: Prices) -> "Spent | None":
        """Return the day with one more call as it is reckoned; None if that passes a cap."""
        more = replace(
            self,
            calls=self.calls + 1,
            tokens_in=self.tokens_in + TOKENS_IN,
            tokens_out=self.tokens_out + TOKENS_OUT,
        )
        if more.tokens_in + more.tokens_out > prices.tokens_per_day:
            return None
        cost = prices.cost(more.tokens_in, more.tokens_out)
        return None if cost > prices.cost_per_day and prices.price_in + prices.price_out > 0 else more

    def settle(self, tokens_in: int, tokens_out: int) -> "Spent":
        """Return the day with one call's own tokens in place of the reckoned ones; unknown ones (0, 0) stay so."""
        if not tokens_in and not tokens_out:
            return self
        return replace(
            self,
            tokens_in=max(0, self.tokens_in + tokens_in - TOKENS_IN),
            tokens_out=max(0, self.tokens_out + tokens_out - TOKENS_OUT),
        )

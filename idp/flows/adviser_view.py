"""How the adviser stands today, for administrators: its breaker, its cost, and what it may still ask of people."""

from idp.clock import Clock
from idp.domain.secret import Digester
from idp.flows.advising import tenant_of
from idp.risk.allowance import WHOLE_PROMPT, Prices
from idp.risk.shared_advice import SharedAdvice
from idp.storage.stores import Transactions


async def standing(
    transactions: Transactions, clock: Clock, digester: Digester, prices: Prices
) -> tuple[tuple[str, str], ...]:
    """Return it in lines, each with its name; nothing while the database is away."""
    found = await SharedAdvice(transactions, prices=prices, clock=clock).standing(tenant_of(digester))
    if found is None:
        return ()
    spent, until = found.spent, found.breaker.open_until
    tokens, cost = spent.tokens_in + spent.tokens_out, prices.cost(spent.tokens_in, spent.tokens_out)
    priced = f"{cost:.2f} of {prices.cost_per_day:.2f}" if prices.price_in + prices.price_out else "no prices are set"
    return (
        ("breaker", "closed" if until is None else f"open until {until:%Y-%m-%d %H:%M} UTC"),
        ("calls today", str(spent.calls)),
        ("tokens today", f"{tokens} of {prices.tokens_per_day}"),
        ("cost today", priced),
        ("friction budget", f"{found.bucket.millionths / WHOLE_PROMPT:.2f} of 1 prompt"),
    )

"""`python -m bench.adviser`: sign-ins in the grey zone with the local adviser, and with a model that never answers.

What a model may cost a sign-in is its time budget (700 ms) and nothing else: nobody fails, and after five silences it
is left alone for a while (`degraded`).
"""

import asyncio
import json
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.support import session
from tests.support.adviser_server import adviser_server, never
from tests.support.careful import ELSEWHERE, Visitor, careful_provider, decisions, forget_population, settled
from tests.support.provider import DAY

SIGN_INS = 100
HISTORY = 6


async def measured(folder: Path, **settings: str) -> tuple[list[float], Counter[str]]:
    """Return how long sign-ins took from the password to the next page, in seconds, and what the adviser said."""
    seconds: list[float] = []
    states: Counter[str] = Counter()
    async with careful_provider(folder, **settings) as provider:
        rp = await provider.client(is_first_party=True)
        for _ in range(SIGN_INS):
            owner = await settled(provider, rp, times=HISTORY)
            away = Visitor(provider, owner.person, ELSEWHERE)
            page = await away.browser.open((await rp.authorization_request()).url, came_from_elsewhere=True)
            assert page.name == "login"
            began = time.perf_counter()
            page = await away.browser.sign_in()
            seconds.append(time.perf_counter() - began)
            assert page.name == "step-up" or page.location is not None, page.describe()
            adviser = json.loads((await decisions(provider, owner.person))[-1].record)["adviser"]
            states[adviser["state"]] += 1
            provider.clock.advance(DAY)
            await forget_population(provider)
    return sorted(seconds), states


def shown(name: str, seconds: list[float], states: Counter[str]) -> str:
    """Return a line of the table."""
    at = [seconds[min(len(seconds) - 1, round(share * len(seconds)))] * 1000 for share in (0.5, 0.99)]
    return f"{name:<28}{len(seconds):>6}{at[0]:>10.0f} ms{at[1]:>10.0f} ms   {dict(states)}"


async def main() -> None:
    """Measure both and print them."""
    print(f"{'':<28}{'n':>6}{'p50':>13}{'p99':>13}   questions")
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        print(shown("local adviser", *await measured(Path(one), IDP_ADVISER="local")))
        async with adviser_server(never) as server:
            settings = {"IDP_ADVISER": "openai", "IDP_OPENAI_BASE_URL": server.url, "IDP_OPENAI_API_KEY": "none"}
            print(shown("a model that never answers", *await measured(Path(other), **settings)))


if __name__ == "__main__":
    session.begin()
    try:
        asyncio.run(main())
    finally:
        session.end()

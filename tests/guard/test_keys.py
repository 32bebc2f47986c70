"""The provider's keys: fetched when needed, kept while it is away, and never because somebody invents key ids."""

import httpx2
import pytest
from idp_guard.checks import TestProvider
from idp_guard.keys import ProviderKeys, Unreachable


class Wire:
    """Counts what is asked, and breaks when told."""

    def __init__(self, provider: TestProvider) -> None:
        self.asked = 0
        self.answer: httpx2.Response | None = None
        self._provider = provider
        self.transport = httpx2.MockTransport(self._handle)

    def _handle(self, request: httpx2.Request) -> httpx2.Response:
        self.asked += 1
        return self.answer or self._provider._answer(request)


@pytest.fixture
def wire(provider: TestProvider) -> Wire:
    return Wire(provider)


@pytest.fixture
def now() -> list[float]:
    return [1000.0]


@pytest.fixture
def keys(provider: TestProvider, wire: Wire, now: list[float]) -> ProviderKeys:
    return ProviderKeys(provider.issuer, transport=wire.transport, now=lambda: now[0])


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(500),
        httpx2.Response(302, headers={"location": "https://evil.example"}),
        httpx2.Response(200, text="nonsense"),
        httpx2.Response(200, json=[]),
        httpx2.Response(200, json={"issuer": "https://evil.example", "jwks_uri": "https://evil.example/jwks"}),
        httpx2.Response(200, json={"issuer": "https://id.example"}),
        httpx2.Response(200, text='{"issuer": "' + "x" * 300_000 + '"}'),
    ],
)
async def test_without_any_key_nobody_is_judged(keys: ProviderKeys, wire: Wire, answer: httpx2.Response) -> None:
    wire.answer = answer

    with pytest.raises(Unreachable):
        await keys.having(None)


async def test_invented_key_ids_cost_one_fetch_in_ten_seconds(keys: ProviderKeys, wire: Wire, now: list[float]) -> None:
    await keys.having(None)
    first = wire.asked
    for number in range(50):
        await keys.having(f"invented-{number}")
    assert wire.asked == first

    now[0] += 11
    await keys.having("invented")
    await keys.having("invented too")

    assert wire.asked == 2 * first


async def test_keys_are_fetched_anew_after_five_minutes(keys: ProviderKeys, wire: Wire, now: list[float]) -> None:
    await keys.having(None)
    now[0] += 299
    await keys.having(None)
    assert wire.asked == 2

    now[0] += 2
    await keys.having(None)

    assert wire.asked == 4


async def test_old_keys_go_on_for_a_day_while_the_provider_is_away(
    keys: ProviderKeys, wire: Wire, now: list[float]
) -> None:
    await keys.having(None)
    wire.answer = httpx2.Response(503)
    now[0] += 86_000
    assert list(await keys.having(None))

    now[0] += 1000

    with pytest.raises(Unreachable):
        await keys.having(None)

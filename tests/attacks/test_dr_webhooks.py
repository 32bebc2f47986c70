"""DR: whoever subscribes webhooks to reach inside, or to make the provider a hammer."""

from pathlib import Path

import pytest

from idp.flows.webhook_worker import PAUSES
from idp.providers.fetch.guarded import GuardedFetch
from idp.storage.webhook_deliveries import DeliveryState
from tests.support.webhooks import Desk, Receiver, desk, receiver, saying

NAME = "siren.example"
PUBLIC = "93.184.215.14"


class Names:
    """A resolver that gives each question the next answer."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked += 1
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


async def told(here: Desk, canary: Receiver, url: str) -> str:
    """Subscribe behind the operations' back, deliver, and return why that failed."""
    await here.subscribe(canary, url=url)
    await here.happen()
    await here.worker.deliver()
    (owed,) = await here.deliveries()
    assert owed.state is DeliveryState.WAITING
    assert canary.connections == 0
    return owed.reason or ""


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1", "::ffff:7f00:1"])
async def test_dr02_a_name_that_leads_inside_is_refused_at_delivery(
    sqlite_url: str, tmp_path: Path, address: str
) -> None:
    async with receiver() as canary:
        fetch = GuardedFetch(resolver=Names([address]))
        async with desk(sqlite_url, tmp_path, fetch=fetch) as here:
            reason = await told(here, canary, f"https://{NAME}:{canary.port}/in")

    assert reason == f"{NAME} has an address that is not public"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "[::1]"])
async def test_dr02_an_inner_address_that_got_into_the_database_is_refused_at_delivery(
    sqlite_url: str, tmp_path: Path, host: str
) -> None:
    async with receiver() as canary, desk(sqlite_url, tmp_path, fetch=GuardedFetch()) as here:
        assert await told(here, canary, f"http://{host}:{canary.port}/in")


async def test_dr03_a_name_is_checked_again_for_every_try(sqlite_url: str, tmp_path: Path) -> None:
    """Public when it was subscribed and tested, inside when something happens."""
    names = Names(["127.0.0.1"], ["::1"], ["192.168.1.1"])
    async with receiver() as canary, desk(sqlite_url, tmp_path, fetch=GuardedFetch(resolver=names)) as here:
        await told(here, canary, f"https://{NAME}:{canary.port}/in")
        here.trail.clock.advance(PAUSES[0])
        await here.worker.deliver()

        assert names.asked == 2
        assert canary.connections == 0


async def test_dr03_a_receiver_cannot_send_the_provider_elsewhere(sqlite_url: str, tmp_path: Path) -> None:
    async with receiver() as canary, receiver() as siren:
        siren.usual = saying(307, location=canary.url)
        async with desk(sqlite_url, tmp_path, siren, canary) as here:
            await here.subscribe(siren)
            await here.happen()
            await here.worker.deliver()

        assert canary.connections == 0
        assert siren.connections == 1


async def test_dr05_what_a_receiver_answers_is_kept_nowhere(sqlite_url: str, tmp_path: Path) -> None:
    """An inner service that was allowed by mistake tells nobody its secrets through a list of deliveries."""
    async with receiver() as siren:
        siren.usual = saying(500, b"the-secret-of-the-inside", x_secret="the-secret-of-the-inside")
        async with desk(sqlite_url, tmp_path, siren) as here:
            await here.subscribe(siren)
            await here.happen()
            await here.worker.deliver()

            assert [(each.status, each.reason) for each in await here.deliveries()] == [(500, "answered 500")]


async def test_dr05_a_receiver_gets_no_cookie_and_no_credential(sqlite_url: str, tmp_path: Path) -> None:
    async with receiver() as siren:
        siren.usual = saying(200, set_cookie="session=1; Path=/")
        async with desk(sqlite_url, tmp_path, siren) as here:
            await here.subscribe(siren)
            await here.happen(2)
            await here.worker.deliver()

        for came in siren.received:
            assert not {"cookie", "authorization", "proxy-authorization"} & came.headers.keys()

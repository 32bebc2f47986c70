"""FT02, FT30: every call to the outside fails once, the process dies at each; nothing is half-written (I1, I2, I6)."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.support.databases import KINDS
from tests.support.html_browser import HtmlBrowser
from tests.support.provider import Person
from tests.support.relying_party import Answer, RelyingParty
from tests.support.served import Served, served
from tests.support.target import Target, target

Act = Callable[["Scene"], Awaitable[int]]
#: Asked for now and then only: when the last look is half a second old, or something has changed since.
CACHED = ("db.select.epochs", "db.select.clients", "db.select.definitions")
_LOOK = re.compile(rf"db\.begin\n(({'|'.join(map(re.escape, CACHED))})\n)+db\.commit\n")  #: in a transaction of its own


@dataclass
class Scene:
    """Somebody in the middle of a sign-in, and the folder of the hooks."""

    provider: Target
    hooks: Path
    rp: RelyingParty
    person: Person
    browser: HtmlBrowser

    async def prepare(self) -> None:
        """Bring a fresh browser to the sign-in page, and a fresh code and token into the client's hands."""
        self.browser = self.provider.browser(self.person)
        self.code = await self.browser.authorize(self.rp)
        self.tokens = await self.rp.redeem(await self.browser.authorize(self.rp))
        self.fresh = self.provider.browser(self.person)
        await self.fresh.open((await self.rp.authorization_request()).url)

    async def trace(self, act: Act) -> list[str]:
        """Return the labels of the calls that an act makes."""
        await self.prepare()
        (self.hooks / "trace").touch()
        assert await act(self) < 400
        told = (self.hooks / "trace").read_text()
        calls = _LOOK.sub("", told).split()
        (self.hooks / "trace").unlink()
        return [label for label in calls if label not in CACHED]


async def sign_in(scene: Scene) -> int:
    if scene.fresh.page.name != "login":
        await scene.fresh.open((await scene.rp.authorization_request()).url)
    page = await scene.fresh.submit("login-submit", username=scene.person.username, password=scene.person.password)
    return page.status


async def authorize(scene: Scene) -> int:
    return (await scene.browser.open((await scene.rp.authorization_request()).url)).status


async def redeem(scene: Scene) -> int:
    return (await scene.rp.redeem(scene.code)).status


async def refresh(scene: Scene) -> int:
    return (await scene.rp.refresh(scene.tokens.refresh_token)).status


async def revoke(scene: Scene) -> int:
    return (await scene.rp.revoke(scene.tokens.refresh_token)).status


async def userinfo(scene: Scene) -> int:
    return (await scene.rp.userinfo(scene.tokens.access_token)).status


async def sign_out(scene: Scene) -> int:
    page = await scene.browser.open(f"{scene.provider.issuer}/end_session")
    return (await scene.browser.submit("logout-yes")).status if page.name == "logout" else page.status


ACTS = (sign_in, authorize, redeem, refresh, revoke, userinfo, sign_out)


@pytest.fixture(params=KINDS)
async def scene(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Scene]:
    """A provider whose calls can be made to fail."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    async with target(request.param, tmp_path, test_hooks=str(hooks)) as provider:
        await provider.site.housekeeping.stop()  # its calls would be counted among those of the request
        # Nobody is told of a new browser by mail, so that each sign-in makes the same calls.
        person = await provider.person(email_verified=False)
        rp = await provider.client(is_first_party=True)
        yield Scene(provider, hooks, rp, person, provider.browser(person))


#: A sign-in's share of the adviser's budget: what is lost of it costs nobody their sign-in.
SPARED = ".shared_states"


@pytest.mark.parametrize("act", ACTS)
async def test_ft30_whichever_call_fails_nothing_is_half_done(scene: Scene, act: Act) -> None:
    calls = await scene.trace(act)
    assert calls
    for number in range(len(calls)):
        label, nth = calls[number], calls[: number + 1].count(calls[number])
        await scene.prepare()
        before = await counts(scene.provider)

        (scene.hooks / "fail").write_text(f"{label} {nth}")
        status = await act(scene)

        assert (scene.hooks / "fail.done").exists(), (label, nth)
        (scene.hooks / "fail.done").unlink()
        if label.endswith(SPARED):
            assert status < 400, (label, nth, status)
            continue
        assert status == 503, (label, nth, status)
        await assert_whole(scene.provider, before, label)
        assert await act(scene) < 400, f"a second try after {label} {nth}"


async def counts(provider: Target) -> dict[str, int]:
    return {table: len(await provider.rows(table)) for table in ("codes", "grants", "sessions", "events")}


async def assert_whole(provider: Target, before: dict[str, int], label: str) -> None:
    """I1, I6: a spent code has its grant and an unspent one none; no effect without its row."""
    codes, grants = await provider.rows("codes"), {row["id"] for row in await provider.rows("grants")}
    for row in codes:
        assert (row["spent_at"] is not None) is (row["id"] in grants), label
    after = await counts(provider)
    effects = sum(after[table] - before[table] for table in ("codes", "grants", "sessions"))
    assert effects <= after["events"] - before["events"], label


KILLS = {
    "sqlite": [
        "before db.begin",
        "after db.select.codes",
        "after db.update.codes",
        "after db.insert.grants",
        "after keystore.sign 2",
        "after db.insert.events",
        "before db.commit",
        "after db.commit",
    ],
    "postgresql": ["after db.update.codes", "before db.commit", "after db.commit"],
}
#: Points that chores pass as well, once a second: tried again until it was the exchange that was hit.
EVERYBODYS, TRIES = frozenset({"before db.begin", "before db.commit", "after db.commit"}), 4


@pytest.mark.timeout(180)
@pytest.mark.parametrize("kind", KINDS)
async def test_ft02_a_kill_inside_the_exchange_leaves_all_or_nothing(tmp_path: Path, kind: str) -> None:
    """SIGKILL at each point of a code's redemption: unspent and no tokens, or spent and one family."""
    async with served(kind, tmp_path, workers=2) as running:
        rp = await running.client()
        points = [point for point in KILLS[kind] for _ in range(TRIES if point in EVERYBODYS else 1)]
        hit: set[str] = set()
        for code, point in zip(await running.codes(rp, len(points)), points, strict=True):
            if point in hit:
                continue
            (running.hooks / "kill").write_text(point)
            killed = await attempt(rp, code)

            assert (running.hooks / "kill.done").exists(), point
            (running.hooks / "kill.done").unlink()
            if killed is not None and point in EVERYBODYS:
                continue  # the other process died of its chore
            assert killed is None, point
            again = await until_answered(rp, code)
            assert again.status == 200 or (again.status, again.error) == (400, "invalid_grant"), (point, again.text)
            if again.status == 200 and point == "after db.commit":
                continue  # a chore of this process committed first
            hit.add(point)
            assert (again.status == 400) is point.startswith("after db.commit"), point
            if again.status == 200:
                assert (await until(lambda: rp.refresh(again.refresh_token))).status == 200  # noqa: B023
        assert hit == set(KILLS[kind])
        await assert_one_family_each(running)


async def attempt(rp: RelyingParty, code: str) -> Answer | None:
    try:
        return await rp.redeem(code)
    except httpx2.TransportError:
        return None


async def until_answered(rp: RelyingParty, code: str) -> Answer:
    """Try until a worker is there again."""
    return await until(lambda: attempt(rp, code))


async def until(ask: Callable[[], Awaitable[Answer | None]]) -> Answer:
    async with asyncio.timeout(30):
        while True:
            try:
                answer = await ask()
            except httpx2.TransportError:
                answer = None
            if answer is not None:
                return answer
            await asyncio.sleep(0.05)


async def assert_one_family_each(running: Served) -> None:
    grants = [row["id"] for row in await running.rows("grants")]
    assert len(grants) == len(set(grants))
    for row in await running.rows("codes"):
        assert (row["spent_at"] is not None) is (row["id"] in grants)


@pytest.mark.timeout(120)
async def test_ft02_a_kill_under_load_loses_nothing_that_was_promised(tmp_path: Path) -> None:
    """Forty redemptions in flight when the power fails: what was answered still works afterwards."""
    async with served("sqlite", tmp_path) as running:
        rp = await running.client()
        codes = await running.codes(rp, 40)
        promised: dict[str, Answer] = {}

        async def one(code: str) -> None:
            answer = await attempt(rp, code)
            if answer is not None and answer.status == 200:
                promised[code] = answer
            if len(promised) == 12:
                running.server.kill()

        await asyncio.gather(*(one(code) for code in codes))
        await running.server.start()
        rp = await running.reconnected(rp)

        assert 12 <= len(promised) < 40
        await assert_one_family_each(running)
        for answer in promised.values():
            assert (await rp.refresh(answer.refresh_token)).status == 200
        for code in set(codes) - set(promised):
            assert (await rp.redeem(code)).status in (200, 400)

"""The browser that tests get is found where the contract says, and guards the pages it shows."""

import stat
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright

from tests.support import browser
from tests.support.browser import NoBrowser, newly_opened

Finder = Callable[[], Awaitable[Path]]


@pytest.fixture
def find() -> Finder:
    async def look() -> Path:
        async with async_playwright() as playwright:
            return await browser.find(playwright)

    return look


async def test_the_chosen_browser_comes_first(find: Finder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDP_TEST_BROWSER", sys.executable)

    assert await find() == Path(sys.executable)


async def test_a_chosen_browser_that_is_missing_is_said_plainly(find: Finder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDP_TEST_BROWSER", "/nowhere/chrome")

    with pytest.raises(NoBrowser, match="/nowhere/chrome"):
        await find()


async def test_an_installed_browser_comes_before_playwrights(
    find: Finder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "chromium"
    installed.write_text("#!/bin/sh\n")
    installed.chmod(installed.stat().st_mode | stat.S_IXUSR)
    monkeypatch.delenv("IDP_TEST_BROWSER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert await find() == installed


async def test_without_any_browser_the_advice_is_one_sentence(
    find: Finder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IDP_TEST_BROWSER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))

    with pytest.raises(NoBrowser) as problem:
        await find()

    assert str(problem.value).count(". ") == 0


async def test_a_page_is_shown(page: Page) -> None:
    await page.set_content("<title>Hello</title><h1>Hello</h1>")

    assert await page.title() == "Hello"


async def test_a_page_that_breaks_its_policy_fails_the_test(chromium: Browser) -> None:
    policy = "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'\">"

    async def show_it() -> None:
        async with newly_opened(chromium) as context:
            tab = await context.new_page()
            await tab.set_content(policy + "<script>document.title = 'no'</script>")

    with pytest.raises(AssertionError, match="Content Security Policy"):
        await show_it()

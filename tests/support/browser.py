"""A real browser for tests: found, or with `python -m tests.support.browser --ensure` installed.

Looked for in this order: IDP_TEST_BROWSER, an installed Chrome or Chromium, Playwright's own.
"""

import argparse
import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Error, Playwright, Response, async_playwright

PROGRAMS = ("google-chrome-stable", "google-chrome", "chromium", "chromium-browser", "chrome")
MAC_PROGRAMS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
#: Without these the browser calls home at every start; tests run where nobody answers.
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",  # containers have a small /dev/shm
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1, EXCLUDE ::1",
)
PARTS = frozenset({"stylesheet", "image", "script", "font"})
INSTALL_SECONDS = 900
ADVICE = (
    "No browser for the tests: install Chrome or Chromium (Debian: apt-get install chromium), "
    "or name one in IDP_TEST_BROWSER."
)


class NoBrowser(Exception):
    """There is no browser to test with; the text says what to do."""


async def find(playwright: Playwright) -> Path:
    """Return the browser to test with. Raises NoBrowser."""
    if chosen := os.environ.get("IDP_TEST_BROWSER"):
        if not shutil.which(chosen):
            raise NoBrowser(f"IDP_TEST_BROWSER names {chosen}, which is not a program.")
        return Path(chosen)
    for program in (*map(shutil.which, PROGRAMS), *MAC_PROGRAMS, playwright.chromium.executable_path):
        if program and Path(program).exists():
            return Path(program)
    raise NoBrowser(ADVICE)


@asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """Yield a running headless browser that can reach nothing but this machine."""
    async with async_playwright() as playwright:
        path = await find(playwright)
        browser = await playwright.chromium.launch(executable_path=path, args=flags())
        try:
            yield browser
        finally:
            await browser.close()


def flags() -> list[str]:
    """Return the command line flags for this user; Chromium's sandbox does not work for root."""
    return [*FLAGS, "--no-sandbox"] if _is_root() else [*FLAGS]


@asynccontextmanager
async def newly_opened(browser: Browser, **options: Any) -> AsyncIterator[BrowserContext]:
    """Yield an empty profile; fail afterwards if a page broke its security policy, had a script fault, or lacks a part.

    The options are Playwright's own for a new context: viewport, color_scheme, locale, java_script_enabled, …
    """
    context = await browser.new_context(**options)
    faults: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            faults.append(message.text)

    def note_missing(answer: Response) -> None:
        if answer.status >= 400 and answer.request.resource_type in PARTS:
            faults.append(f"{answer.status} {answer.url}")

    context.on("console", note)
    context.on("response", note_missing)
    context.on("weberror", lambda fault: faults.append(str(fault.error)))
    try:
        yield context
    finally:
        await context.close()
    assert not faults, "\n".join(faults)


async def ensure() -> Path:
    """Return a browser that starts, installing one if there is none. Raises NoBrowser."""
    async with async_playwright() as playwright:
        try:
            return await find(playwright)
        except NoBrowser:
            if "IDP_TEST_BROWSER" in os.environ:
                raise
        for command in _ways_to_install():
            await asyncio.to_thread(_run, command)
            try:
                path = await find(playwright)
                await (await playwright.chromium.launch(executable_path=path, args=flags())).close()
            except (NoBrowser, Error):
                continue  # the next way may do better
            return path
    raise NoBrowser(ADVICE)


def _ways_to_install() -> Sequence[str]:
    """Debian's package brings its libraries along, so it is tried first where that is allowed."""
    ways = []
    if _is_root() and shutil.which("apt-get"):
        ways.append("apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium")
    return [*ways, f"{sys.executable} -m playwright install chromium"]


def _run(command: str) -> None:
    sys.stderr.write(f"No browser found; trying: {command}\n")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        subprocess.run(command, shell=True, env=environment, stdout=sys.stderr, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        sys.stderr.write("That took too long.\n")


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def main() -> int:
    """Print where the browser is, or one sentence that says what to install."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.browser", description=__doc__)
    parser.add_argument("--ensure", action="store_true", required=True, help="install a browser if there is none")
    parser.parse_args()
    try:
        print(asyncio.run(ensure()))
    except NoBrowser as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

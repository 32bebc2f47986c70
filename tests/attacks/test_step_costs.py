"""What a further factor costs: one transaction for its page and one for its answer, whichever factor it is."""

import json
import re
from html import unescape
from pathlib import Path

import pytest

from tests.support.attacker import post_form
from tests.support.factors import by_method, to_step_up, with_passkey, with_phone, with_recovery_codes, with_totp
from tests.support.html_browser import Page
from tests.support.letters import code
from tests.support.target import target

PHONE = "+4915112345678"


def transactions(hooks: Path) -> int:
    """Return how many transactions began since the last question."""
    calls = (hooks / "trace").read_text().split()
    (hooks / "trace").write_text("")
    # The watch over epochs looks twice a second, whoever asks.
    return calls.count("db.begin") - calls.count("db.select.epochs")


def options_of(page: Page) -> dict[str, object]:
    """Return what a page asks of a passkey."""
    found = re.search(r'data-passkey-options="([^"]*)"', page.response.text)
    assert found is not None
    options: dict[str, object] = json.loads(unescape(found[1]))
    return options


@pytest.mark.parametrize("kind", ["totp", "sms_otp", "recovery_code", "webauthn"])
async def test_a_further_factor_costs_at_most_one_transaction_more_than_its_pages(tmp_path: Path, kind: str) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    async with target("sqlite", tmp_path, test_hooks=str(hooks)) as provider:
        await provider.site.housekeeping.stop()
        person = await provider.person()
        app = await with_totp(provider, person)
        await with_phone(provider, person, PHONE)
        codes = await with_recovery_codes(provider, person)
        device = await with_passkey(provider, person) if kind == "webauthn" else None
        browser = provider.browser(person)
        page = await to_step_up(browser, f"{provider.issuer}/account/sign-in")
        if kind in ("sms_otp", "recovery_code"):
            page = await by_method(browser, kind)
        answer = await code(provider, PHONE) if kind == "sms_otp" else codes[0]
        (hooks / "trace").write_text("")

        page = await browser.open(page.url)
        for_the_page = transactions(hooks)
        fields = {"csrf": page.document.forms[0].hidden["csrf"]}
        if device is not None:
            fields["passkey-answer"] = device.prove(options_of(page))
        else:
            fields["otp-code"] = app.code(provider.clock.now()) if kind == "totp" else answer
        done = await post_form(browser, page.url, fields)

        front_page = 1  # what comes after the sign-in
        assert done.name == "home", done.describe()
        assert (for_the_page, transactions(hooks) - front_page) == (1, 1)

"""A policy that asks more for one kind of change asks for it once, and then the page opens."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.careful import Visitor, careful_provider
from tests.support.provider import Provider

ONLY_EMAIL = """
schema = 1
break_glass = { group = "break-glass" }
[[rule]]
id = "email"
when = { event = "email_change" }
require = { acr = "loa:1v", max_age = "5m" }
"""


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    folder = tmp_path_factory.mktemp("one-change")
    policy: Path = folder / "policy.toml"
    policy.write_text(ONLY_EMAIL)
    async with careful_provider(folder, IDP_POLICY_FILE=str(policy)) as provider:
        yield provider


async def test_the_page_that_asked_is_the_one_that_opens(provider: Provider) -> None:
    visitor = Visitor(provider, await provider.person())
    await visitor.sign_in(await provider.client())
    assert (await visitor.browser.open(f"{provider.issuer}/account/password")).name == "password"

    page = await visitor.browser.open(f"{provider.issuer}/account/email")
    page = await visitor.browser.sign_in() if page.name == "login" else page

    assert page.name == "step-up"
    assert (await visitor.mailed_code()).name == "email"

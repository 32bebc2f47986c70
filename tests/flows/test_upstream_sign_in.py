"""Signing in at another provider: away, back, and then as after any first factor (OIDC Core §3.1)."""

from collections.abc import AsyncIterator

import pytest

from tests.support.elsewhere import Elsewhere, elsewhere
from tests.support.relying_party import RelyingParty


@pytest.fixture(scope="module")
async def there(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Elsewhere]:
    async with elsewhere(tmp_path_factory.mktemp("upstream")) as running:
        yield running


@pytest.fixture
async def rp(there: Elsewhere) -> RelyingParty:
    return await there.provider.client(is_first_party=True)


async def test_a_known_identity_signs_its_person_in(there: Elsewhere, rp: RelyingParty) -> None:
    upstream, person = await there.upstream(), await there.provider.person()
    await there.linked(upstream, person)

    browser, page = await there.sign_in(upstream, rp)

    tokens = await rp.redeem((await browser.finish(rp, page)).code)
    claims = await rp.check_id_token(tokens, next(iter(rp.requests.values())))
    assert claims["sub"] == person.id
    assert claims["acr"] == "urn:idp:loa:1"
    assert claims.get("amr", []) == []

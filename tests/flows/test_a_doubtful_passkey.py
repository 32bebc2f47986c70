"""A passkey that may have been copied, or whose make is not trusted any more, weighs on the attempt it is shown in."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from idp.domain.risk import Band
from idp.settings import BadSettings, load
from idp.wiring import choices
from tests.support.careful import Visitor, careful_provider, decisions, last_record
from tests.support.factors import answer_passkey, passkey_options, with_passkey, with_totp
from tests.support.html_browser import Page
from tests.support.passkey import AAGUID, Authenticator, copy_of
from tests.support.provider import DAY, Provider
from tests.support.relying_party import RelyingParty

OTHER_MAKE = "ffffffff-0000-4000-8000-0123456789ab"


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    folder = tmp_path_factory.mktemp("doubtful")
    (folder / "revoked.txt").write_text(f"{AAGUID}  # keys of this make can be cloned\n")
    async with careful_provider(folder, IDP_WEBAUTHN_REVOKED_FILE=str(folder / "revoked.txt")) as provider:
        yield provider


@pytest.fixture
async def rp(provider: Provider) -> RelyingParty:
    return await provider.client(is_first_party=True)


async def by_passkey(visitor: Visitor, rp: RelyingParty, device: Authenticator, **asked: str | None) -> Page:
    """Sign in by the passkey alone; show what comes then."""
    await visitor.browser.open((await rp.authorization_request(**asked)).url, came_from_elsewhere=True)
    return await answer_passkey(visitor.browser, device.prove(passkey_options(visitor.browser.page)))


async def signals(visitor: Visitor) -> Mapping[str, str]:
    """Return the floors of the newest decision about somebody, by their signal."""
    found = (await last_record(visitor.provider, visitor.person)).assessed["floors"]
    assert isinstance(found, list)
    return {str(each["code"]): str(each["band"]) for each in found if isinstance(each, dict)}


async def test_a_counter_that_stood_is_at_least_of_medium_risk(provider: Provider, rp: RelyingParty) -> None:
    visitor = Visitor(provider, await provider.person())
    device = await with_passkey(provider, visitor.person, counts=True, aaguid=OTHER_MAKE)
    clone = copy_of(device.passkeys[0])
    await by_passkey(visitor, rp, device)
    assert "WEBAUTHN_COUNTER" not in await signals(visitor)
    provider.clock.advance(DAY)

    thief = Visitor(provider, visitor.person)
    thiefs_device = Authenticator(counts=True, aaguid=OTHER_MAKE, passkeys=[clone])
    await by_passkey(thief, rp, thiefs_device)

    assert (await signals(visitor))["WEBAUTHN_COUNTER"] == Band.MEDIUM
    assert (await decisions(provider, visitor.person))[-1].band in (Band.MEDIUM, Band.HIGH, Band.CRITICAL)


async def test_a_revoked_make_is_of_high_risk_and_never_phr(provider: Provider, rp: RelyingParty) -> None:
    visitor = Visitor(provider, await provider.person())
    device = await with_passkey(provider, visitor.person)

    page = await by_passkey(visitor, rp, device)

    assert (await signals(visitor))["WEBAUTHN_REVOKED"] == Band.HIGH
    assert page.name == "login", page.describe()  # that it verified its user is not believed
    assert "Please confirm that it is you." in page.response.text
    page = await visitor.browser.sign_in()
    claims = (await rp.decode((await rp.redeem((await visitor.browser.finish(rp, page)).code)).id_token)).claims
    assert (claims["acr"], claims["amr"]) == ("urn:idp:loa:2", ["swk", "pwd", "mfa"])


async def test_a_doubtful_second_factor_is_judged_again(provider: Provider, rp: RelyingParty) -> None:
    """The password alone looked harmless; the key that came after it did not."""
    visitor = Visitor(provider, await provider.person())
    await with_totp(provider, visitor.person)
    device = await with_passkey(provider, visitor.person)
    page = await visitor.arrive(rp)
    assert page.name == "step-up", page.describe()
    first = (await decisions(provider, visitor.person))[-1]
    provider.clock.advance(DAY / 10_000)

    await answer_passkey(visitor.browser, device.prove(passkey_options(visitor.browser.page)))

    second = (await decisions(provider, visitor.person))[-1]
    assert second.id != first.id
    assert second.score >= max(first.score, 70)
    assert (await signals(visitor))["WEBAUTHN_REVOKED"] == Band.HIGH


@pytest.mark.parametrize(("text", "said"), [("the blue ones", "line 1 is no AAGUID"), (None, "No such file")])
def test_makes_that_cannot_be_read_stop_the_start(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "makes.txt"
    if text is not None:
        path.write_text(text)

    with pytest.raises(BadSettings, match=f"IDP_WEBAUTHN_REVOKED_FILE: .*{said}"):
        choices.relying_party(load(mode="dev", environment={"IDP_WEBAUTHN_REVOKED_FILE": str(path)}))

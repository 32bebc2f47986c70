"""What counts once is remembered as long as it could count – RFC 7523 §3, RFC 9449 §11.1, RFC 9101 §10.2, CIBA §7.1.1.

Each JWT is made to live as long as one may. A moment before its end the same one is refused, and another with the same
times is still believed: so it was refused for having been used. A moment later no such JWT is believed any more.
"""

from datetime import timedelta

import pytest
from joserfc.jwk import KeySet

from idp.domain.exchange import JWT_BEARER
from tests.support.html_browser import HtmlBrowser
from tests.support.jose import forge
from tests.support.jwt_doors import DOORS, KEY, Door, Objects
from tests.support.polled import bank
from tests.support.provider import HandClock, Person, Provider
from tests.support.pushed import page_error, visit
from tests.support.resources import define

SECOND = timedelta(seconds=1)
#: Claims that last longest, in seconds from now, and how many seconds from now the last of them is believed.
LONGEST = {
    "Assertions": ({"exp": 300}, 359),  # five minutes ahead, and a minute for clocks that are slow
    "Proofs": ({"iat": 30}, 89),  # thirty seconds ahead, and a minute old
    "Bearers": ({"exp": 300}, 359),
    "Questions": ({"nbf": 30, "exp": 3630}, 3629),  # thirty seconds ahead, and an hour old
}


async def door_of(provider: Provider, name: str, person: Person) -> Door:
    """Return a door with a client of its own."""
    match name:
        case "Assertions":
            rp = await provider.client(method="private_key_jwt", key=KEY)
        case "Proofs":
            rp = await provider.client(grant_types=["client_credentials"], redirect_uris=None, scope="reports")
        case "Objects":
            rp = await provider.client(key=KEY)
        case "Bearers":
            rp = await provider.client(
                grant_types=[JWT_BEARER], redirect_uris=None, scope="openid", is_first_party=True
            )
            await define(
                provider, "assertion_issuers", issuer=f"https://their.example/{rp.client_id}", clients=[rp.client_id],
                scopes=["openid"], jwks=KeySet([KEY]).as_dict(private=False), algs=["ES256"],
            )  # fmt: skip
            await provider.settle()
        case _:
            rp = (await bank(provider, key=KEY, backchannel_authentication_request_signing_alg="ES256")).rp
    return DOORS[name](rp, person)


def minted(door: Door, now: int, **ahead: int) -> str:
    """Return a JWT with these times, counted from a moment."""
    claims = door.claims() | {name: now + seconds for name, seconds in ahead.items()}
    return forge("{" + door.header + "}", claims, KEY, "ES256")


@pytest.mark.parametrize("name", LONGEST)
async def test_a_jti_is_remembered_until_its_jwt_has_ended(
    provider: Provider, person: Person, clock: HandClock, name: str
) -> None:
    """RFC 7523 §3 item 7, RFC 9449 §11.1, CIBA §7.1.1: once, to the last moment of the leeway."""
    door, (ahead, last) = await door_of(provider, name, person), LONGEST[name]
    now = int(clock.timestamp())
    used, fresh, late = [minted(door, now, **ahead) for _ in range(3)]
    assert await door.is_believed(used)

    clock.advance(last * SECOND)
    async with provider.site.transactions.open(write=True) as stores:
        await stores.sweep.batch(clock.now())

    assert not await door.is_believed(used)
    assert await door.is_believed(fresh)
    clock.advance(2 * SECOND)
    assert not await door.is_believed(late)


async def test_the_jti_of_a_request_is_remembered_until_its_object_has_ended(
    provider: Provider, person: Person, browser: HtmlBrowser, clock: HandClock
) -> None:
    """RFC 9101 §10.2: spent by the answer, and then for the hour that an object lives, and its minute of leeway."""
    door = await door_of(provider, "Objects", person)
    assert isinstance(door, Objects)
    rp, now = door.rp, int(clock.timestamp())
    rp.requests[""] = await rp.authorization_request()
    used, fresh = minted(door, now, exp=3600), minted(door, now, exp=3600)
    assert (await visit(browser, rp, (await door.send(used)).body["request_uri"])).code

    clock.advance(3659 * SECOND)
    async with provider.site.transactions.open(write=True) as stores:
        await stores.sweep.batch(clock.now())

    again = await door.send(used)
    if again.status == 201:  # its reference may be given, but opens nothing
        answer = await visit(browser, rp, again.body["request_uri"])
        assert answer.error == "invalid_request_object"
    assert (await visit(browser, rp, (await door.send(fresh)).body["request_uri"])).code
    clock.advance(2 * SECOND)
    assert (await door.send(minted(door, now, exp=3600))).error == "invalid_request_object"


async def test_a_begun_sign_in_waits_for_half_an_hour(
    provider: Provider, browser: HtmlBrowser, clock: HandClock
) -> None:
    """RFC 6749 §3.1, and ours: to the last moment the person comes back with a code, then there is a page."""
    rp = await provider.client(is_first_party=True)
    for waited, is_good in ((timedelta(minutes=30) - SECOND, True), (timedelta(minutes=30), False)):
        await browser.open((await rp.authorization_request(prompt="login")).url)
        clock.advance(waited)
        page = await browser.sign_in()
        assert (page.status in (302, 303)) is is_good, page.describe()
    assert await page_error(browser, rp, client_id="nobody") == "invalid_request"

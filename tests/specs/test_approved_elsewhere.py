"""What other specifications ask of grants that were approved elsewhere: RFC 9449, RFC 8707, RFC 9068, RFC 7662."""

from collections.abc import AsyncIterator

import pytest

from tests.support.dpop import ProofKey
from tests.support.html_browser import HtmlBrowser
from tests.support.polled import DEVICE_CODE, Bank, Television, allow, bank, television, to_answer, type_code
from tests.support.provider import Person, Provider
from tests.support.relying_party import Answer
from tests.support.resources import API, BOOKS, defined, resource


@pytest.fixture(scope="module", autouse=True)
async def apis(provider: Provider) -> AsyncIterator[None]:
    """Two APIs."""
    told = [resource(API, "invoices.read", "invoices.write"), resource(BOOKS, "books.read")]
    async with defined(provider, *(("resources", each) for each in told)):
        yield


@pytest.fixture
async def tv(provider: Provider) -> Television:
    """A television that may ask for tokens for one of them."""
    return await television(provider, scope="openid invoices.read offline_access", resources=[API])


async def poll(tv: Television, begun: Answer, key: ProofKey | None = None, **changes: str | None) -> Answer:
    """Poll, with a proof of a key if there is one."""
    fields: dict[str, str | None] = {"grant_type": DEVICE_CODE, "device_code": begun.body["device_code"]}
    headers = {"DPoP": key.proof("POST", f"{tv.rp.issuer}/token")} if key else None
    return await tv.rp.post("token_endpoint", fields | changes, headers=headers)


async def test_tokens_are_bound_to_the_key_of_the_poll_that_gets_them(
    provider: Provider, tv: Television, browser: HtmlBrowser
) -> None:
    """RFC 9449 §5: and the refresh tokens of a public client are, too."""
    key = ProofKey(now=provider.clock.timestamp)
    begun = await tv.begin(scope="openid offline_access")
    assert (await poll(tv, begun, key)).error == "authorization_pending"
    await allow(browser, begun)

    tokens = await poll(tv, begun, key)

    assert tokens.body["token_type"] == "DPoP"
    claims = (await tv.rp.decode(tokens.access_token)).claims
    assert claims["cnf"] == {"jkt": key.thumbprint}
    refused = await tv.rp.refresh(tokens.refresh_token)
    assert (refused.status, refused.error) == (400, "invalid_request")


async def test_a_bad_proof_spends_nothing(provider: Provider, tv: Television, browser: HtmlBrowser) -> None:
    """RFC 9449 §5."""
    key = ProofKey(now=provider.clock.timestamp)
    begun = await tv.begin(scope="openid")
    await allow(browser, begun)
    proof = key.proof("GET", f"{tv.rp.issuer}/token")

    bad = await tv.rp.post(
        "token_endpoint", {"grant_type": DEVICE_CODE, "device_code": begun.body["device_code"]}, headers={"DPoP": proof}
    )

    assert (bad.status, bad.error) == (400, "invalid_dpop_proof")
    assert (await poll(tv, begun, key)).status == 200


async def test_a_client_that_registered_for_bound_tokens_gets_no_others(
    provider: Provider, browser: HtmlBrowser
) -> None:
    """RFC 9449 §5.2."""
    tv = await television(provider, dpop_bound_access_tokens=True)
    begun = await tv.begin()
    await allow(browser, begun)

    assert (await poll(tv, begun)).error == "invalid_request"
    assert (await poll(tv, begun, ProofKey(now=provider.clock.timestamp))).status == 200


async def test_a_resource_is_settled_when_the_device_asks(tv: Television, browser: HtmlBrowser) -> None:
    """RFC 8707 §2: an unknown one, or one of others, is refused at once."""
    for wrong in (BOOKS, "https://unknown.example", "no uri"):
        answer = await tv.begin(resource=wrong)
        assert (answer.status, answer.error) == (400, "invalid_target")
    begun = await tv.begin(resource=API, scope="invoices.read")
    assert begun.status == 200
    page = await type_code(browser, begun)
    assert page.has("consent-resources")
    await browser.submit("consent-allow")

    assert (await poll(tv, begun, resource=BOOKS)).error == "invalid_target"
    tokens = await poll(tv, begun)

    claims = (await tv.rp.decode(tokens.access_token)).claims
    assert (claims["aud"], claims["scope"]) == (API, "invoices.read")


async def test_a_scope_that_the_client_lost_meanwhile_is_not_given(
    provider: Provider, tv: Television, browser: HtmlBrowser
) -> None:
    """RFC 8628 §3.4: what counts is what is allowed when tokens are made; without any scope there are none."""
    begun, other = await tv.begin(scope="openid offline_access"), await tv.begin(scope="offline_access")
    for each in (begun, other):
        await allow(browser, each)
    await provider.site.clients.update(await provider.registration(tv.rp), {"scope": "openid invoices.read"})
    await provider.settle()

    tokens = await poll(tv, begun)

    assert tokens.body["scope"] == "openid"
    assert (await poll(tv, other)).error == "invalid_scope"
    subject = (await tv.rp.decode(tokens.access_token)).claims["sub"]
    async with provider.site.transactions.open(write=True) as stores:
        await stores.sessions.end_all_of(subject, provider.clock.now())
    assert (await tv.rp.refresh(tokens.refresh_token)).error == "invalid_grant", "without offline_access"


async def test_access_tokens_say_how_and_when_the_person_signed_in(
    provider: Provider, browser: HtmlBrowser, person: Person
) -> None:
    """RFC 9068 §2.2.1; RFC 7662 §2.2."""
    client: Bank = await bank(provider)
    asked = await client.ask(person)
    await to_answer(browser, provider.issuer)
    await browser.submit("consent-allow")

    tokens = await client.poll(asked)

    claims = (await client.rp.decode(tokens.access_token)).claims
    described = (await client.rp.introspect(tokens.access_token)).body
    for told in (claims, described):
        assert (told["sub"], told["amr"]) == (person.id, ["pwd"])
        assert {"acr", "auth_time"} <= told.keys()

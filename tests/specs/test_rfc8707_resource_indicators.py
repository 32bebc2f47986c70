"""RFC 8707: one access token is for the APIs that were asked for, with the scopes that those define, and no others."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.dpop import ProofKey, send
from tests.support.html_browser import HtmlBrowser
from tests.support.provider import MINUTE, Provider, ask, at_once
from tests.support.relying_party import Answer, AuthorizationAnswer, RelyingParty
from tests.support.resources import API, BOOKS, define, defined, resource

OPEN = "https://open-api.example"
ODD = "https://odd-api.example"
HANDLES = "urn:example:handles"
BOUND = "https://bound-api.example"
SCOPE = "openid offline_access reports invoices.read invoices.write books.read"


@pytest.fixture(scope="module", autouse=True)
async def apis(provider: Provider) -> AsyncIterator[None]:
    """Some APIs; three of them take tokens of another kind."""
    told = [
        resource(API, "invoices.read", "invoices.write", life_seconds=600),
        resource(BOOKS, "books.read"),
        resource(OPEN, "open.read", open_to_all=True),
        resource(ODD, "odd.read", token_alg="PS256"),
        resource(HANDLES, "handle", token_format="opaque"),
        resource(BOUND, "bound.read", require_sender_constraint=True),
    ]
    async with defined(provider, *(("resources", each) for each in told)):
        yield


@pytest.fixture
async def rp(provider: Provider) -> RelyingParty:
    """A client that may ask for tokens for most of them."""
    return await provider.client(
        scope=f"{SCOPE} odd.read handle bound.read", resources=[API, BOOKS, ODD, HANDLES, BOUND]
    )


@pytest.fixture
async def machine(provider: Provider) -> RelyingParty:
    """The same without a person."""
    return await provider.client(
        grant_types=["client_credentials"], redirect_uris=None, resources=[API, BOOKS, ODD, HANDLES, BOUND],
        scope="reports invoices.read invoices.write books.read odd.read handle bound.read",
    )  # fmt: skip


async def allowed(
    browser: HtmlBrowser, rp: RelyingParty, *resources: str, **changes: str | None
) -> AuthorizationAnswer:
    """Sign in and allow a request for these resources."""
    asked = await rp.authorization_request(**{"scope": SCOPE, **changes})
    url = asked.url + "".join(f"&resource={each}" for each in resources)
    return await browser.finish(rp, await browser.open(url, came_from_elsewhere=True))


async def claims(rp: RelyingParty, tokens: Answer) -> dict[str, Any]:
    """Return what an access token says, by our own keys."""
    token = await rp.decode(tokens.access_token)
    assert token.header["typ"] == "at+jwt"
    return token.claims


@pytest.mark.parametrize(
    "target", ["https://unknown.example", f"{API}#part", f"{API}/", "/relative", "invoices", "HTTPS://api.example/v1"]
)
async def test_a_resource_that_is_not_registered_is_an_invalid_target(
    browser: HtmlBrowser, rp: RelyingParty, machine: RelyingParty, target: str
) -> None:
    """RFC 8707 §2: an absolute URI without a fragment, compared as it stands."""
    assert (await at_once(browser, rp, resource=target)).error == "invalid_target"
    refused = await machine.token(grant_type="client_credentials", resource=target)
    assert (refused.status, refused.error) == (400, "invalid_target")


async def test_a_resource_that_is_not_for_the_client_is_an_invalid_target(
    provider: Provider, browser: HtmlBrowser
) -> None:
    """RFC 8707 §2."""
    stranger = await provider.client(scope=SCOPE)
    assert (await at_once(browser, stranger, resource=API)).error == "invalid_target"


async def test_a_resource_that_is_open_to_all_is_for_every_client(provider: Provider, browser: HtmlBrowser) -> None:
    """RFC 8707 §2: the operator says for whom an API is."""
    stranger = await provider.client(scope="openid open.read")
    answer = await allowed(browser, stranger, OPEN, scope="openid open.read")
    said = await claims(stranger, await stranger.redeem(answer.code))
    assert (said["aud"], said["scope"]) == (OPEN, "open.read")


async def test_more_than_ten_resources_are_an_invalid_target(machine: RelyingParty) -> None:
    """RFC 8707 §2: our limit."""
    fields = [("grant_type", "client_credentials")] + [("resource", f"https://{n}.example") for n in range(11)]
    assert (await machine.post("token_endpoint", fields)).error == "invalid_target"


async def test_a_token_is_for_the_resource_that_was_asked_for_with_the_scopes_it_defines(
    browser: HtmlBrowser, rp: RelyingParty
) -> None:
    """RFC 8707 §2.2, RFC 9068 §2.2.3."""
    tokens = await rp.redeem((await allowed(browser, rp, API)).code)
    said = await claims(rp, tokens)
    assert said["aud"] == API
    assert said["scope"] == tokens.body["scope"] == "invoices.read invoices.write"
    assert (said["exp"] - said["iat"], tokens.body["expires_in"]) == (600, 600)


async def test_scopes_of_openid_belong_to_the_id_token_and_not_to_another_api(
    browser: HtmlBrowser, rp: RelyingParty
) -> None:
    """OIDC Core §5.3.1: userinfo is at the issuer, for which this token is not."""
    tokens = await rp.redeem((await allowed(browser, rp, API)).code)
    assert (await rp.check_id_token(tokens, rp.codes[next(reversed(rp.codes))]))["sub"]
    assert (await rp.userinfo(tokens.access_token)).status == 401


async def test_without_a_resource_a_token_is_for_the_issuer_and_has_its_scopes_alone(
    browser: HtmlBrowser, rp: RelyingParty
) -> None:
    """RFC 9068 §3: the issuer is the default."""
    tokens = await rp.redeem((await allowed(browser, rp)).code)
    said = await claims(rp, tokens)
    assert (said["aud"], said["scope"]) == (rp.issuer, "openid offline_access reports")
    assert (await rp.userinfo(tokens.access_token)).status == 200


async def test_without_a_resource_the_clients_default_one_counts(provider: Provider, browser: HtmlBrowser) -> None:
    """RFC 8707 §2.1: what counts where none is named."""
    rp = await provider.client(scope=SCOPE, resources=[API], default_resource=API)
    tokens = await rp.redeem((await allowed(browser, rp)).code)
    assert (await claims(rp, tokens))["aud"] == API


async def test_a_default_resource_that_is_not_for_the_client_is_an_invalid_target(
    provider: Provider, browser: HtmlBrowser
) -> None:
    """RFC 8707 §2.1: a default is asked for like any other."""
    rp = await provider.client(scope=SCOPE, resources=[API], default_resource=BOOKS)
    assert (await at_once(browser, rp)).error == "invalid_target"


async def test_one_token_serves_the_issuer_and_an_api_only_if_both_were_asked_for(
    browser: HtmlBrowser, rp: RelyingParty
) -> None:
    """RFC 8707 §3: a token for several is a risk that the client asked for."""
    tokens = await rp.redeem((await allowed(browser, rp, API, rp.issuer)).code)
    said = await claims(rp, tokens)
    assert said["aud"] == [API, rp.issuer]
    assert said["scope"] == "openid offline_access reports invoices.read invoices.write"
    assert (await rp.userinfo(tokens.access_token)).status == 200


async def test_at_the_token_endpoint_a_part_of_the_resources_may_be_asked_for(
    browser: HtmlBrowser, rp: RelyingParty
) -> None:
    """RFC 8707 §2.2."""
    tokens = await rp.redeem((await allowed(browser, rp, API, BOOKS)).code, resource=BOOKS)
    assert (await claims(rp, tokens))["aud"] == BOOKS
    assert tokens.body["scope"] == "books.read"


async def test_a_resource_beyond_those_granted_is_an_invalid_target_and_spends_no_code(
    browser: HtmlBrowser, rp: RelyingParty
) -> None:
    """RFC 8707 §2.2."""
    code = (await allowed(browser, rp, API)).code
    for other in (BOOKS, rp.issuer, "https://unknown.example"):
        assert (await rp.redeem(code, resource=other)).error == "invalid_target"
    assert (await rp.redeem(code, resource=API)).status == 200


async def test_a_refresh_may_narrow_the_resources_of_one_answer_and_never_of_the_family(
    browser: HtmlBrowser, rp: RelyingParty
) -> None:
    """RFC 8707 §2.2."""
    tokens = await rp.redeem((await allowed(browser, rp, API, BOOKS)).code)
    narrow = await rp.refresh(tokens.refresh_token, resource=BOOKS)
    assert (await claims(rp, narrow))["aud"] == BOOKS
    whole = await rp.refresh(narrow.refresh_token)
    assert (await claims(rp, whole))["aud"] == [API, BOOKS]


async def test_a_refresh_for_more_is_an_invalid_target_and_spends_nothing(
    browser: HtmlBrowser, rp: RelyingParty
) -> None:
    """RFC 8707 §2.2."""
    tokens = await rp.redeem((await allowed(browser, rp, API)).code)
    assert (await rp.refresh(tokens.refresh_token, resource=BOOKS)).error == "invalid_target"
    assert (await rp.refresh(tokens.refresh_token)).status == 200


async def test_a_refresh_gives_no_token_for_a_resource_that_the_client_lost(
    provider: Provider, browser: HtmlBrowser, rp: RelyingParty
) -> None:
    """RFC 8707 §2.2: what counts is what is allowed now."""
    tokens = await rp.redeem((await allowed(browser, rp, API, BOOKS)).code)
    client = await provider.registration(rp)
    await provider.site.clients.update(client, {"resources": [BOOKS]})
    await provider.settle()
    left = await rp.refresh(tokens.refresh_token)
    assert (await claims(rp, left))["aud"] == BOOKS
    assert (await rp.refresh(left.refresh_token, resource=API)).error == "invalid_target"


async def test_a_client_by_itself_gets_what_it_asks_for_and_no_scope_of_others(machine: RelyingParty) -> None:
    """RFC 8707 §2.2, RFC 6749 §4.4."""
    tokens = await machine.token(grant_type="client_credentials", resource=API)
    said = await claims(machine, tokens)
    assert (said["aud"], said["sub"], said["scope"]) == (API, machine.client_id, "invoices.read invoices.write")
    own = await claims(machine, await machine.token(grant_type="client_credentials"))
    assert (own["aud"], own["scope"]) == (machine.issuer, "reports")
    assert (await machine.token(grant_type="client_credentials", scope="books.read", resource=API)).error == (
        "invalid_scope"
    )


async def test_a_client_by_itself_may_ask_for_several(machine: RelyingParty) -> None:
    """RFC 8707 §2: the parameter may repeat."""
    fields = [("grant_type", "client_credentials"), ("resource", API), ("resource", BOOKS)]
    said = await claims(machine, await machine.post("token_endpoint", fields))
    assert (said["aud"], said["scope"]) == ([API, BOOKS], "invoices.read invoices.write books.read")
    assert said["exp"] - said["iat"] == 300  # the shorter of two lives


async def test_a_token_is_signed_as_its_resource_server_wants_it(machine: RelyingParty) -> None:
    """RFC 9068 §2.1."""
    tokens = await machine.token(grant_type="client_credentials", resource=ODD)
    assert (await machine.decode(tokens.access_token)).header["alg"] == "PS256"


async def test_a_token_is_a_handle_where_the_resource_server_wants_handles(machine: RelyingParty) -> None:
    """RFC 7662 §2.2."""
    tokens = await machine.token(grant_type="client_credentials", resource=HANDLES)
    assert "." not in tokens.access_token
    seen = (await machine.introspect(tokens.access_token)).body
    assert (seen["active"], seen["aud"], seen["scope"]) == (True, HANDLES, "handle")


async def test_resources_that_want_different_tokens_are_asked_for_one_by_one(
    browser: HtmlBrowser, rp: RelyingParty
) -> None:
    """RFC 8707 §2.2."""
    code = (await allowed(browser, rp, API, ODD, scope=f"{SCOPE} odd.read")).code
    assert (await rp.redeem(code)).error == "invalid_target"
    assert (await rp.redeem(code, resource=ODD)).status == 200


async def test_a_resource_that_takes_no_bearer_tokens_gets_none(machine: RelyingParty) -> None:
    """RFC 9449 §5, RFC 8705 §3."""
    refused = await machine.token(grant_type="client_credentials", resource=BOUND)
    assert (refused.status, refused.error) == (400, "invalid_request")


async def test_a_resource_server_introspects_tokens_for_it_and_no_others(
    provider: Provider, machine: RelyingParty
) -> None:
    """RFC 7662 §2.2, §4."""
    server = await provider.client(audiences=[API])
    for_it = await machine.token(grant_type="client_credentials", resource=API)
    for_another = await machine.token(grant_type="client_credentials", resource=BOOKS)
    seen = (await server.introspect(for_it.access_token)).body
    assert (seen["active"], seen["aud"], seen["client_id"]) == (True, API, machine.client_id)
    assert (await server.introspect(for_another.access_token)).body == {"active": False}


async def test_scopes_that_belong_to_no_resource_that_was_asked_for_are_an_invalid_scope(
    browser: HtmlBrowser, rp: RelyingParty
) -> None:
    """RFC 8707 §2.1."""
    assert (await at_once(browser, rp, resource=API, scope="books.read reports")).error == "invalid_scope"


async def test_a_consent_for_one_api_is_none_for_another_with_the_same_scope(
    provider: Provider, browser: HtmlBrowser
) -> None:
    """RFC 8707 §2.1: what was allowed are scopes at an API, not scopes alone."""
    one, other = f"{API}/one", f"{API}/other"
    for each in (one, other):
        await define(provider, "resources", **resource(each, "same"))
    await provider.settle()
    rp = await provider.client(scope="openid same", resources=[one, other])
    assert (await allowed(browser, rp, one, scope="openid same")).code
    assert (await at_once(browser, rp, resource=one, scope="openid same")).code
    assert (await at_once(browser, rp, resource=other, scope="openid same", prompt="none")).error == "consent_required"
    page = await ask(browser, rp, resource=other, scope="openid same")
    assert page.name == "consent"
    assert "What same allows." in page.text("consent-scopes")


async def test_a_token_of_a_resource_ends_when_its_time_is_over(provider: Provider, machine: RelyingParty) -> None:
    """RFC 9068 §4; on both sides of the limit."""
    tokens = await machine.token(grant_type="client_credentials", resource=API)
    provider.clock.advance(9 * MINUTE)
    assert await machine.is_active(tokens.access_token)
    provider.clock.advance(MINUTE)
    assert not await machine.is_active(tokens.access_token)


async def test_a_resource_that_takes_bound_tokens_gets_one_with_a_proof(
    provider: Provider, machine: RelyingParty
) -> None:
    """RFC 9449 §5."""
    key = ProofKey(now=provider.clock.timestamp)
    proof = key.proof("POST", f"{machine.issuer}/token")
    tokens = await send(machine, "token_endpoint", proof, grant_type="client_credentials", resource=BOUND)
    assert tokens.body["token_type"] == "DPoP"
    assert (await claims(machine, tokens))["cnf"] == {"jkt": key.thumbprint}


async def test_resources_can_be_pushed(browser: HtmlBrowser, rp: RelyingParty) -> None:
    """RFC 9126 §2, RFC 8707 §2.1: the parameter may repeat there, too."""
    request = await rp.authorization_request(scope=SCOPE)
    fields = [*request.parameters.items(), ("resource", API), ("resource", BOOKS)]
    pushed = await rp.post("pushed_authorization_request_endpoint", fields)
    assert pushed.status == 201, pushed.text
    endpoint = (await rp.metadata())["authorization_endpoint"]
    url = f"{endpoint}?client_id={rp.client_id}&request_uri={pushed.body['request_uri']}&resource={rp.issuer}"
    page = await browser.open(url, came_from_elsewhere=True)
    tokens = await rp.redeem((await browser.finish(rp, page)).code)
    assert (await claims(rp, tokens))["aud"] == [API, BOOKS]
    refused = await rp.post(
        "pushed_authorization_request_endpoint", [*request.parameters.items(), ("resource", "https://unknown.example")]
    )
    assert (refused.status, refused.error) == (400, "invalid_target")

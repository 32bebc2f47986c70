"""RFC 8693: a token for a token, within an operator's rule, never wider nor longer than what the person allowed."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import select

from idp.domain.exchange import ACCESS_TOKEN_TYPE, ID_TOKEN_TYPE, TOKEN_EXCHANGE
from idp.domain.user import UserStatus
from idp.storage.events import events
from tests.support.dpop import ProofKey, send
from tests.support.html_browser import HtmlBrowser
from tests.support.provider import MINUTE, SECOND, Person, Provider
from tests.support.relying_party import Answer, RelyingParty
from tests.support.resources import API, BOOKS, define, defined, resource

SCOPE = "openid offline_access invoices.read invoices.write books.read"


@pytest.fixture(scope="module", autouse=True)
async def apis(provider: Provider) -> AsyncIterator[None]:
    """Two APIs, the second with a longer life."""
    told = [
        resource(API, "invoices.read", "invoices.write"),
        resource(BOOKS, "books.read", "invoices.write", life_seconds=3600),
    ]
    async with defined(provider, *(("resources", each) for each in told)):
        yield


@pytest.fixture
async def app(provider: Provider) -> RelyingParty:
    """The application that the person uses."""
    return await provider.client(scope=SCOPE, resources=[API, BOOKS])


@pytest.fixture
async def api(provider: Provider) -> RelyingParty:
    """An API that calls others in the name of whoever calls it; it has a rule of its own."""
    return await trader(provider, may_act=True, may_impersonate=True)


async def trader(provider: Provider, **rule: Any) -> RelyingParty:
    """Return a client that may exchange tokens by this rule."""
    made = await provider.client(
        grant_types=[TOKEN_EXCHANGE, "client_credentials"], redirect_uris=None, scope="trade", audiences=[API]
    )
    usual = {"audiences": [BOOKS], "scopes": ["books.read", "invoices.read", "invoices.write"]}
    await define(provider, "exchange_rules", name=f"of {made.client_id}", client_id=made.client_id, **{**usual, **rule})
    await provider.settle()
    return made


@pytest.fixture
async def tokens(app: RelyingParty, browser: HtmlBrowser) -> Answer:
    """What the application got for both APIs."""
    asked = await app.authorization_request(scope=SCOPE)
    page = await browser.open(f"{asked.url}&resource={API}&resource={BOOKS}", came_from_elsewhere=True)
    return await app.redeem((await browser.finish(app, page)).code, resource=API)


async def trade(client: RelyingParty, subject: str, **changes: str | None) -> Answer:
    """Exchange a token."""
    return await client.token(
        **{"grant_type": TOKEN_EXCHANGE, "subject_token": subject, "subject_token_type": ACCESS_TOKEN_TYPE, **changes}
    )


async def own_token(client: RelyingParty) -> str:
    """Return a token of the client itself, to be an actor token."""
    return (await client.token(grant_type="client_credentials")).access_token


async def acting(client: RelyingParty, subject: str, **changes: str | None) -> Answer:
    """Exchange a token and name oneself as the actor."""
    actor = {"actor_token": await own_token(client), "actor_token_type": ACCESS_TOKEN_TYPE}
    return await trade(client, subject, **{**actor, **changes})


async def claims(rp: RelyingParty, tokens: Answer) -> dict[str, Any]:
    return (await rp.decode(tokens.access_token)).claims


async def test_a_client_without_a_rule_is_unauthorized(provider: Provider, tokens: Answer) -> None:
    """RFC 8693 §2.2.2, §5."""
    stranger = await provider.client(grant_types=[TOKEN_EXCHANGE], redirect_uris=None, audiences=[API])
    refused = await trade(stranger, tokens.access_token)
    assert (refused.status, refused.error) == (400, "unauthorized_client")


async def test_a_client_that_is_not_registered_for_the_grant_is_unauthorized(app: RelyingParty, tokens: Answer) -> None:
    """RFC 6749 §5.2."""
    assert (await trade(app, tokens.access_token)).error == "unauthorized_client"


@pytest.mark.parametrize("rule", [{"may_act": True}, {"may_impersonate": True}])
async def test_impersonation_and_acting_are_allowed_one_by_one(
    provider: Provider, tokens: Answer, rule: dict[str, Any]
) -> None:
    """RFC 8693 §1.1."""
    client = await trader(provider, **rule)
    alone, with_actor = await trade(client, tokens.access_token), await acting(client, tokens.access_token)
    assert (alone.error == "unauthorized_client") is ("may_act" in rule)
    assert (with_actor.error == "unauthorized_client") is ("may_impersonate" in rule)
    assert 200 in (alone.status, with_actor.status)


async def test_an_exchange_gives_an_access_token_and_says_of_which_type(
    api: RelyingParty, app: RelyingParty, tokens: Answer, person: Person
) -> None:
    """RFC 8693 §2.2.1."""
    traded = await trade(api, tokens.access_token)
    before, said = await claims(app, tokens), await claims(api, traded)
    assert traded.body["issued_token_type"] == ACCESS_TOKEN_TYPE
    assert (traded.body["token_type"], "refresh_token" in traded.body, "id_token" in traded.body) == (
        "Bearer", False, False,
    )  # fmt: skip
    assert (said["sub"], said["client_id"], said["aud"]) == (person.id, api.client_id, BOOKS)
    assert {name: said[name] for name in ("acr", "amr", "auth_time")} == {
        name: before[name] for name in ("acr", "amr", "auth_time")
    }
    assert "act" not in said


async def test_whoever_acts_stands_in_act_with_whoever_acted_before(provider: Provider, tokens: Answer) -> None:
    """RFC 8693 §4.1."""
    first = await trader(provider, may_act=True, audiences=[API])
    second = await trader(provider, may_act=True, audiences=[BOOKS])
    once = await acting(first, tokens.access_token)
    twice = await acting(second, once.access_token)
    issuer = first.issuer
    assert (await claims(first, once))["act"] == {"iss": issuer, "sub": first.client_id}
    assert (await claims(second, twice))["act"] == {
        "iss": issuer, "sub": second.client_id, "act": {"iss": issuer, "sub": first.client_id},
    }  # fmt: skip
    assert (await second.introspect(twice.access_token)).body["act"]["sub"] == second.client_id


async def test_at_most_four_act_one_after_another(provider: Provider, tokens: Answer) -> None:
    """RFC 8693 §4.1: our limit; on both sides."""
    client = await trader(provider, may_act=True, audiences=[API])
    text = tokens.access_token
    for _ in range(4):
        text = (await acting(client, text)).access_token
    assert (await acting(client, text)).error == "invalid_request"


async def test_a_target_outside_the_rule_is_an_invalid_target(api: RelyingParty, tokens: Answer) -> None:
    """RFC 8693 §2.2.2, RFC 8707 §2."""
    for named in ({"resource": API}, {"audience": API}, {"resource": api.issuer}, {"audience": "https://x.example"}):
        assert (await trade(api, tokens.access_token, **named)).error == "invalid_target"
    assert (await trade(api, tokens.access_token, resource=BOOKS)).status == 200
    assert (await trade(api, tokens.access_token, audience=BOOKS)).status == 200


async def test_a_rule_with_several_targets_needs_one_to_be_named(provider: Provider, tokens: Answer) -> None:
    """RFC 8693 §2.1."""
    client = await trader(provider, may_impersonate=True, audiences=[API, BOOKS])
    assert (await trade(client, tokens.access_token)).error == "invalid_target"
    assert (await trade(client, tokens.access_token, resource=API)).status == 200


async def test_scopes_are_those_of_rule_and_target_that_the_person_allowed(api: RelyingParty, tokens: Answer) -> None:
    """RFC 8693 §2.1."""
    assert (await trade(api, tokens.access_token)).body["scope"] == "books.read invoices.write"
    assert (await trade(api, tokens.access_token, scope="books.read")).body["scope"] == "books.read"
    for beyond in ("invoices.read", "openid", "trade", "books.read nonsense"):
        assert (await trade(api, tokens.access_token, scope=beyond)).error == "invalid_scope"


async def test_a_narrowed_token_is_never_traded_for_more_of_the_same_api(
    provider: Provider, app: RelyingParty, tokens: Answer
) -> None:
    """RFC 8693 §5: an exchange is no way around what a token lacks."""
    client = await trader(provider, may_impersonate=True, audiences=[API])
    narrow = await app.refresh(tokens.refresh_token, resource=API, scope="invoices.read")
    assert (await trade(client, narrow.access_token)).body["scope"] == "invoices.read"
    assert (await trade(client, narrow.access_token, scope="invoices.write")).error == "invalid_scope"


async def test_the_new_token_lives_no_longer_than_the_rest_of_the_old_one(
    provider: Provider, api: RelyingParty, tokens: Answer
) -> None:
    """RFC 8693 §2.2.1."""
    provider.clock.advance(4 * MINUTE)
    traded = await trade(api, tokens.access_token)
    assert traded.body["expires_in"] <= 60
    provider.clock.advance(MINUTE)
    assert not await api.is_active(traded.access_token)


@pytest.mark.parametrize(
    "changes",
    [
        {"subject_token": None},
        {"subject_token_type": None},
        {"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"},
        {"subject_token_type": ID_TOKEN_TYPE},
        {"subject_token": "nonsense"},
        {"actor_token": "nonsense", "actor_token_type": ACCESS_TOKEN_TYPE},
        {"actor_token_type": ACCESS_TOKEN_TYPE},
        {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
    ],
)
async def test_what_is_missing_or_of_another_type_is_an_invalid_request(
    api: RelyingParty, tokens: Answer, changes: dict[str, str | None]
) -> None:
    """RFC 8693 §2.1, §2.2.2."""
    assert (await trade(api, tokens.access_token, **changes)).error == "invalid_request"


async def test_a_token_that_has_ended_is_not_exchanged(
    provider: Provider, app: RelyingParty, api: RelyingParty, tokens: Answer
) -> None:
    """RFC 8693 §2.1: revoked by itself, and too old."""
    other = await app.refresh(tokens.refresh_token, resource=API)
    await app.revoke(other.access_token)
    assert (await trade(api, other.access_token)).error == "invalid_request"  # by itself
    assert (await trade(api, tokens.access_token)).status == 200
    provider.clock.advance(5 * MINUTE + SECOND)
    assert (await trade(api, tokens.access_token)).error == "invalid_request"  # too old


async def test_a_refresh_token_and_a_token_of_nobody_are_not_exchanged(api: RelyingParty, tokens: Answer) -> None:
    """RFC 8693 §3: only what the rule names."""
    assert (await trade(api, tokens.refresh_token)).error == "invalid_request"
    assert (await trade(api, await own_token(api))).error == "invalid_request"


async def test_a_token_for_somebody_else_is_not_exchanged(
    provider: Provider, app: RelyingParty, tokens: Answer
) -> None:
    """RFC 8693 §5: whoever finds a token cannot trade it."""
    client = await trader(provider, may_impersonate=True)
    await provider.site.clients.update(await provider.registration(client), {"audiences": []})
    await provider.settle()
    assert (await trade(client, tokens.access_token)).error == "invalid_request"


async def test_an_actor_token_of_another_client_is_refused(
    provider: Provider, api: RelyingParty, tokens: Answer
) -> None:
    """RFC 8693 §2.1."""
    other = await trader(provider, may_act=True)
    stolen = {"actor_token": await own_token(other), "actor_token_type": ACCESS_TOKEN_TYPE}
    assert (await trade(api, tokens.access_token, **stolen)).error == "invalid_request"


async def test_may_act_names_who_may(provider: Provider, api: RelyingParty, app: RelyingParty, tokens: Answer) -> None:
    """RFC 8693 §4.4."""
    said = await claims(app, tokens)

    def with_may_act(subject: str) -> str:
        allowed = {**said, "may_act": {"iss": api.issuer, "sub": subject}}
        return provider.site.engine.keyring.sign(allowed, alg="ES256", typ="at+jwt")

    assert (await acting(api, with_may_act("somebody-else"))).error == "invalid_request"
    assert (await acting(api, with_may_act(api.client_id))).status == 200


async def test_an_id_token_is_exchanged_if_the_rule_says_so(
    provider: Provider, browser: HtmlBrowser, person: Person
) -> None:
    """RFC 8693 §3; while a grant of its session is alive."""
    client = await provider.client(
        grant_types=["authorization_code", TOKEN_EXCHANGE], scope=SCOPE, resources=[API, BOOKS]
    )
    rule = {"name": f"of {client.client_id}", "client_id": client.client_id, "audiences": [BOOKS]}
    await define(
        provider, "exchange_rules", **rule, scopes=["books.read"], may_impersonate=True,
        subject_token_types=[ID_TOKEN_TYPE],
    )  # fmt: skip
    await provider.settle()
    asked = await client.authorization_request(scope="openid books.read")
    page = await browser.open(f"{asked.url}&resource={BOOKS}", came_from_elsewhere=True)
    tokens = await client.redeem((await browser.finish(client, page)).code)
    traded = await trade(client, tokens.id_token, subject_token_type=ID_TOKEN_TYPE)
    assert ((await claims(client, traded))["sub"], traded.body["scope"]) == (person.id, "books.read")
    assert (await trade(client, tokens.access_token)).error == "invalid_request"
    async with provider.site.transactions.open(write=True) as stores:
        await stores.grants.revoke_of_user(person.id, provider.clock.now())
    assert (await trade(client, tokens.id_token, subject_token_type=ID_TOKEN_TYPE)).error == "invalid_request"
    assert not await client.is_active(traded.access_token)


async def test_what_was_traded_ends_with_the_grant_it_came_from(
    app: RelyingParty, api: RelyingParty, tokens: Answer
) -> None:
    """RFC 8693 §5, RFC 7009 §2.1."""
    traded = await trade(api, tokens.access_token)
    assert await api.is_active(traded.access_token)
    await app.revoke(tokens.refresh_token)
    assert not await api.is_active(traded.access_token)
    assert (await trade(api, tokens.access_token)).error == "invalid_request"


async def test_what_was_traded_ends_when_the_person_is_disabled(
    provider: Provider, api: RelyingParty, tokens: Answer, person: Person
) -> None:
    """RFC 8693 §5: a person who may not sign in acts through nobody."""
    traded = await trade(api, tokens.access_token)
    await provider.site.users.set_status(person.user, UserStatus.DISABLED)
    assert not await api.is_active(traded.access_token)
    assert (await trade(api, tokens.access_token)).error == "invalid_request"


async def test_the_trail_names_both_whom_it_is_about_and_who_acts(
    provider: Provider, api: RelyingParty, app: RelyingParty, tokens: Answer, person: Person
) -> None:
    """RFC 8693 §1.1: delegation can be told afterwards."""
    await acting(api, tokens.access_token)
    async with provider.site.transactions.open(write=False) as stores:
        query = select(events.c.user_id, events.c.detail).where(events.c.client_id == api.client_id)
        rows = [row for row in await stores.connection.execute(query) if row.user_id == person.id]
    assert len(rows) == 1
    detail = rows[0].detail
    assert (detail["actor"], detail["subject_client_id"], detail["grant_type"]) == (
        api.client_id, app.client_id, TOKEN_EXCHANGE,
    )  # fmt: skip


async def bound_tokens(app: RelyingParty, browser: HtmlBrowser, key: ProofKey) -> Answer:
    """Return tokens of the application that are bound to a key."""
    asked = await app.authorization_request(scope=SCOPE)
    page = await browser.open(f"{asked.url}&resource={API}&resource={BOOKS}", came_from_elsewhere=True)
    code = (await browser.finish(app, page)).code
    return await send(
        app, "token_endpoint", key.proof("POST", f"{app.issuer}/token"), grant_type="authorization_code", code=code,
        redirect_uri=app.redirect_uri, code_verifier=app.codes[code].verifier, resource=API,
    )  # fmt: skip


async def test_a_bound_token_is_exchanged_with_a_proof_of_its_key_alone(
    provider: Provider, app: RelyingParty, api: RelyingParty, browser: HtmlBrowser
) -> None:
    """RFC 8693 §2.1, RFC 9449 §5: the new token is bound to the same key."""
    key, other = ProofKey(now=provider.clock.timestamp), ProofKey(now=provider.clock.timestamp)
    tokens = await bound_tokens(app, browser, key)
    assert tokens.body["token_type"] == "DPoP", tokens.text
    fields = {
        "grant_type": TOKEN_EXCHANGE, "subject_token": tokens.access_token, "subject_token_type": ACCESS_TOKEN_TYPE,
    }  # fmt: skip
    url = f"{api.issuer}/token"
    assert (await api.token(**fields)).error == "invalid_request"
    assert (await send(api, "token_endpoint", other.proof("POST", url), **fields)).error == "invalid_request"
    traded = await send(api, "token_endpoint", key.proof("POST", url), **fields)
    assert (traded.status, traded.body["token_type"]) == (200, "DPoP")
    assert (await claims(api, traded))["cnf"] == {"jkt": key.thumbprint}

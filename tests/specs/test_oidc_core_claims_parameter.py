"""The claims parameter – OIDC Core §5.5: which single claims are asked for, where they are told, and who must agree."""

import json
from typing import Any

import pytest

from idp.oauth.errors import RedirectError
from idp.oauth.openid.claims import parse_claims
from tests.support.html_browser import HtmlBrowser
from tests.support.provider import Person, Provider, ask, at_once
from tests.support.relying_party import Answer, RelyingParty


def nested(depth: int) -> str:
    """Return a claims parameter with so many brackets inside each other."""
    return '{"x":' * (depth - 1) + "{}" + "}" * (depth - 1)


@pytest.mark.parametrize(
    "text",
    [
        "x", "[]", "null", '"x"', "1", "{", '{"id_token":[]}', '{"id_token":"x"}', '{"userinfo":1}',
        '{"id_token":{"name":1}}', '{"id_token":{"name":[]}}', '{"id_token":{"name":{"essential":"true"}}}',
        '{"id_token":{"name":{"values":"x"}}}', '{"id_token":{},"id_token":{}}', '{"id_token":{"a":NaN}}',
        '{"id_token":{"a":{"value":1e999}}}', '{"a":"\\ud800"}', nested(9), "[" * 1000,
    ],
    ids=lambda text: text[:40],
)  # fmt: skip
async def test_what_is_malformed_is_refused(rp: RelyingParty, browser: HtmlBrowser, text: str) -> None:
    """OIDC Core §5.5: a JSON object; depth 8 at most, no member twice, which is ours."""
    assert (await at_once(browser, rp, claims=text)).error == "invalid_request"


@pytest.mark.parametrize(
    "text",
    [
        "{}", '{"userinfo":{}}', '{"userinfo":null,"id_token":null}', '{"unknown":{"x":1}}', nested(8),
        '{"id_token":{"unknown":null,"http://example.info/claims/x":{"essential":true}}}',
        '{"userinfo":{"name":{"essential":true,"value":"x","purpose":"why not"}}}',
    ],
    ids=lambda text: text[:40],
)  # fmt: skip
async def test_what_is_unknown_is_ignored(rp: RelyingParty, browser: HtmlBrowser, text: str) -> None:
    """OIDC Core §5.5, §5.5.1: members that are not understood must be ignored."""
    assert (await browser.answer(rp, claims=text)).code


def of_size(size: int) -> str:
    """Return a claims parameter of so many bytes."""
    text = '{"userinfo":{"name":null},"x":""}'
    return text[:-2] + "x" * (size - len(text)) + '"}'


def test_eight_kilobytes_are_read_and_not_one_byte_more() -> None:
    """The limit is ours; a URL ends before it, a pushed request may reach it."""
    userinfo, _ = parse_claims(of_size(8192))

    assert userinfo is not None
    assert "name" in userinfo
    with pytest.raises(RedirectError):
        parse_claims(of_size(8193))


async def claims_of(rp: RelyingParty, browser: HtmlBrowser, asked: dict[str, Any]) -> tuple[dict[str, Any], Answer]:
    """Return the ID token's claims and the userinfo answer for a request with only the scope openid."""
    code = await browser.authorize(rp, scope="openid", claims=json.dumps(asked))
    tokens = await rp.redeem(code)
    return await rp.check_id_token(tokens, rp.codes[code]), await rp.userinfo(tokens.access_token)


async def test_a_claim_is_told_where_it_was_asked_for(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """OIDC Core §5.5: userinfo and id_token are separate wishes."""
    id_token, userinfo = await claims_of(rp, browser, {"id_token": {"name": None}, "userinfo": {"email": None}})

    assert id_token["name"] == "Ada Lovelace"
    assert "email" not in id_token
    assert userinfo.body.keys() == {"sub", "email"}


async def test_a_claim_that_nobody_has_is_left_out(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """OIDC Core §5.5.1: essential or not, its absence is no error."""
    asked = {"birthdate": {"essential": True}, "no_such_claim": {"essential": True}}

    id_token, userinfo = await claims_of(rp, browser, {"id_token": asked, "userinfo": asked})

    assert not asked.keys() & (id_token.keys() | userinfo.body.keys())


async def test_a_value_other_than_the_persons_changes_nothing(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """OIDC Core §5.5.1: a preference; what is true is told."""
    id_token, _ = await claims_of(rp, browser, {"id_token": {"name": {"value": "Grace Hopper"}}})

    assert id_token["name"] == "Ada Lovelace"


@pytest.mark.parametrize(
    "name", ["iss", "aud", "exp", "iat", "nonce", "azp", "at_hash", "sid", "auth_time", "amr", "jti"]
)
async def test_no_request_sets_a_claim_of_the_protocol(rp: RelyingParty, browser: HtmlBrowser, name: str) -> None:
    """OIDC Core §2: written by us alone; check_id_token looks at each."""
    id_token, _ = await claims_of(rp, browser, {"id_token": {name: {"essential": True, "value": "forged"}}})

    assert id_token[name] != "forged"


@pytest.mark.parametrize("where", ["id_token", "userinfo"])
async def test_sub_must_be_the_person_signed_in(
    provider: Provider, person: Person, rp: RelyingParty, browser: HtmlBrowser, where: str
) -> None:
    """OIDC Core §5.5.1: like id_token_hint; never a way to switch people."""
    other = await provider.person()
    await browser.authorize(rp)

    same = await at_once(browser, rp, prompt="none", claims=json.dumps({where: {"sub": {"value": person.id}}}))
    foreign = await at_once(browser, rp, claims=json.dumps({where: {"sub": {"value": other.id}}}))

    assert same.code
    assert foreign.error == "login_required"


async def test_whoever_signs_in_must_be_the_sub_asked_for(
    provider: Provider, person: Person, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    """OIDC Core §5.5.1."""
    other = await provider.person()

    wanted = await browser.answer(rp, claims=json.dumps({"id_token": {"sub": {"value": other.id}}}))

    assert wanted.error == "login_required"
    assert person.id != other.id


async def test_a_hint_and_a_sub_of_different_people_contradict(
    provider: Provider, rp: RelyingParty, browser: HtmlBrowser, tokens: Answer
) -> None:
    """OIDC Core §3.1.2.1, §5.5.1."""
    other = await provider.person()
    claims = json.dumps({"id_token": {"sub": {"value": other.id}}})

    assert (await at_once(browser, rp, claims=claims, id_token_hint=tokens.id_token)).error == "invalid_request"


async def test_what_goes_beyond_the_scopes_is_shown_and_agreed_to(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """OIDC Core §3.1.2.4: the consent page names single claims; a consent without them does not cover them."""
    await browser.authorize(rp, scope="openid")
    claims = json.dumps({"userinfo": {"phone_number": None}})

    refused = await at_once(browser, rp, scope="openid", prompt="none", claims=claims)
    page = await ask(browser, rp, scope="openid", claims=claims)

    assert refused.error == "consent_required"
    assert page.name == "consent"
    assert "phone" in page.text("consent-details").lower()
    await browser.submit("consent-allow")
    assert (await at_once(browser, rp, scope="openid", prompt="none", claims=claims)).code


@pytest.mark.parametrize(
    "claims",
    [
        '{"id_token":{"acr":null,"auth_time":{"essential":true},"amr":null,"nonce":null}}',
        '{"userinfo":{"email":{"essential":true}},"id_token":{"email":null}}',
    ],
)
async def test_what_the_scopes_or_the_protocol_tell_anyway_needs_no_second_question(
    rp: RelyingParty, browser: HtmlBrowser, claims: str
) -> None:
    """OIDC Core §3.1.2.4: only what goes beyond is new to the person."""
    await browser.authorize(rp)

    assert (await at_once(browser, rp, prompt="none", claims=claims)).code


async def test_a_refresh_remembers_what_was_asked(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """OIDC Core §12.2: the grant keeps its claims."""
    claims = json.dumps({"id_token": {"name": None}, "userinfo": {"name": None}})
    tokens = await rp.redeem(await browser.authorize(rp, scope="openid offline_access", claims=claims))

    fresh = await rp.refresh(tokens.refresh_token)

    assert (await rp.check_id_token(fresh))["name"] == "Ada Lovelace"
    assert (await rp.userinfo(fresh.access_token)).body["name"] == "Ada Lovelace"

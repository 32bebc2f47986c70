"""Implicit and hybrid flows – OIDC Core §3.2, §3.3, OAuth Multiple Response Types: what leaves /authorize at once."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from idp.domain.client import BadClient, Profile
from idp.domain.exchange import ACCESS_TOKEN_TYPE, TOKEN_EXCHANGE
from tests.support.html_browser import HtmlBrowser
from tests.support.jose import parts
from tests.support.provider import MINUTE, SECOND, Person, Provider, at_once
from tests.support.relying_party import AuthorizationAnswer, RelyingParty, half_hash
from tests.support.resources import defined

FRONT = ("id_token", "id_token token", "code id_token", "code token", "code id_token token")
GRANTS = ["authorization_code", "implicit", "refresh_token"]
TYPES = ["code", *FRONT]


@pytest.fixture
async def person(liberal: Provider) -> Person:
    """Somebody with an account there."""
    return await liberal.person(name="Ada Lovelace")


@pytest.fixture
async def browser(liberal: Provider, person: Person) -> AsyncIterator[HtmlBrowser]:
    """Their browser."""
    async with liberal.browser(person) as browser:
        yield browser


@pytest.fixture
async def rp(liberal: Provider) -> RelyingParty:
    """A client that registered every response type."""
    return await liberal.client(profile=Profile.OIDC, grant_types=GRANTS, response_types=TYPES)


def words(response_type: str) -> set[str]:
    return set(response_type.split(" "))


@pytest.mark.parametrize("response_type", FRONT)
async def test_the_answer_has_what_its_response_type_names_and_nothing_else(
    rp: RelyingParty, browser: HtmlBrowser, response_type: str
) -> None:
    """OIDC Core §3.2.2.5, §3.3.2.5: in the fragment, with state and iss."""
    answer = await browser.answer(rp, response_type=response_type)

    named = {"code": {"code"}, "id_token": {"id_token"}, "token": {"access_token", "token_type", "expires_in", "scope"}}
    wanted = {parameter for word in words(response_type) for parameter in named[word]}
    assert answer.mode == "fragment"
    assert answer.parameters.keys() == wanted | {"iss", "state"}


@pytest.mark.parametrize("response_type", ["token id_token", "id_token code", "token code id_token"])
async def test_the_order_of_the_words_does_not_count(
    rp: RelyingParty, browser: HtmlBrowser, response_type: str
) -> None:
    """RFC 6749 §3.1.1."""
    answer = await browser.answer(rp, response_type=response_type)

    assert ("code" in answer.parameters) == ("code" in words(response_type))
    assert "id_token" in answer.parameters


@pytest.mark.parametrize("response_type", FRONT)
async def test_errors_travel_in_the_fragment_as_well(
    rp: RelyingParty, browser: HtmlBrowser, response_type: str
) -> None:
    """OIDC Core §3.2.2.6: nobody is signed in."""
    answer = await at_once(browser, rp, response_type=response_type, prompt="none")

    assert (answer.mode, answer.error) == ("fragment", "login_required")
    assert answer.parameters.keys() == {"error", "error_description", "iss", "state"}


@pytest.mark.parametrize("response_type", FRONT)
@pytest.mark.parametrize("mode", ["query", "query.jwt"])
async def test_no_token_and_no_code_beside_one_travels_in_a_query(
    rp: RelyingParty, browser: HtmlBrowser, response_type: str, mode: str
) -> None:
    """OAuth 2.0 Multiple Response Types §3.0, §5: refused, in the fragment."""
    answer = await at_once(browser, rp, response_type=response_type, response_mode=mode)

    assert (answer.mode, answer.error) == ("fragment", "invalid_request")


@pytest.mark.parametrize("response_type", FRONT)
async def test_a_nonce_is_due_whenever_an_id_token_leaves(
    rp: RelyingParty, browser: HtmlBrowser, response_type: str
) -> None:
    """OIDC Core §3.2.2.1, §3.3.2.11: without one the token could be replayed; `code token` needs none."""
    answer = await browser.answer(rp, response_type=response_type, nonce=None)

    assert answer.error == ("invalid_request" if "id_token" in words(response_type) else None)


@pytest.mark.parametrize("response_type", FRONT)
async def test_without_openid_nothing_is_given(rp: RelyingParty, browser: HtmlBrowser, response_type: str) -> None:
    """OIDC Core §3.1.2.1: what comes this way is good at userinfo only, which asks for that scope."""
    answer = await at_once(browser, rp, response_type=response_type, scope="profile")

    assert (answer.mode, answer.error) == ("fragment", "invalid_scope")


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
@pytest.mark.parametrize("response_type", [each for each in FRONT if "id_token" in each])
async def test_the_id_token_names_what_stands_beside_it(
    liberal: Provider, browser: HtmlBrowser, response_type: str, alg: str
) -> None:
    """OIDC Core §3.2.2.9, §3.3.2.11: at_hash with an access token, c_hash with a code, neither without."""
    rp = await liberal.client(
        profile=Profile.OIDC, grant_types=GRANTS, response_types=TYPES, id_token_signed_response_alg=alg
    )
    answer = await browser.answer(rp, response_type=response_type)
    given = answer.parameters

    token = await rp.decode(given["id_token"])

    hashes = {"at_hash": given.get("access_token"), "c_hash": given.get("code")}
    assert token.header["alg"] == alg
    assert {name: token.claims.get(name) for name in hashes} == {
        name: half_hash(value, alg) if value is not None else None for name, value in hashes.items()
    }
    request = rp.requests[answer.state or ""]
    assert token.claims["nonce"] == request.parameters["nonce"]
    assert (token.claims["iss"], token.claims["aud"]) == (rp.issuer, rp.client_id)


@pytest.mark.parametrize("response_type", ["code id_token", "code id_token token"])
async def test_both_id_tokens_say_the_same_of_the_sign_in(
    liberal: Provider, rp: RelyingParty, browser: HtmlBrowser, response_type: str
) -> None:
    """OIDC Core §3.3.3.6: iss and sub must be equal; all that is said of the sign-in and the session is."""
    answer = await browser.answer(rp, response_type=response_type)
    liberal.clock.advance(SECOND)

    front, back = parts(answer.parameters["id_token"])[1], parts((await rp.redeem(answer.code)).id_token)[1]

    same = ("iss", "sub", "aud", "azp", "nonce", "auth_time", "acr", "amr", "sid")
    assert {name: front[name] for name in same} == {name: back[name] for name in same}
    assert "c_hash" not in back


@pytest.mark.parametrize("response_type", [each for each in FRONT if "id_token" in each])
async def test_only_an_id_token_that_comes_alone_has_the_claims_of_scopes(
    rp: RelyingParty, browser: HtmlBrowser, response_type: str
) -> None:
    """OIDC Core §5.4: whoever gets an access token asks userinfo."""
    answer = await browser.answer(rp, response_type=response_type, scope="openid profile email")

    claims = parts(answer.parameters["id_token"])[1]

    assert {"name", "email"} <= claims.keys() if response_type == "id_token" else not {"name", "email"} & claims.keys()


@pytest.mark.parametrize("response_type", ["id_token", "code id_token", "code id_token token"])
async def test_claims_that_were_asked_for_the_id_token_are_in_it(
    rp: RelyingParty, browser: HtmlBrowser, response_type: str
) -> None:
    """OIDC Core §5.5."""
    asked = '{"id_token":{"name":{"essential":true}}}'

    answer = await browser.answer(rp, response_type=response_type, scope="openid", claims=asked)

    assert parts(answer.parameters["id_token"])[1]["name"] == "Ada Lovelace"


async def front_token(rp: RelyingParty, browser: HtmlBrowser, **changes: str | None) -> AuthorizationAnswer:
    """Return an answer with an access token."""
    answer = await browser.answer(rp, **{"response_type": "id_token token", **changes})
    assert "access_token" in answer.parameters, answer.parameters
    return answer


async def test_an_access_token_of_the_front_channel_is_opaque_and_lives_five_minutes(
    liberal: Provider, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    """RFC 6749 §4.2.2, RFC 9700 §2.1.2: also for a client whose tokens are JWTs."""
    given = (await front_token(rp, browser)).parameters

    assert "." not in given["access_token"]
    assert (given["token_type"], given["expires_in"]) == ("Bearer", "300")
    liberal.clock.advance(timedelta(minutes=5) - SECOND)
    assert (await rp.userinfo(given["access_token"])).status == 200
    liberal.clock.advance(SECOND)
    assert (await rp.userinfo(given["access_token"])).status == 401


async def test_an_access_token_of_the_front_channel_is_good_at_userinfo_alone(
    liberal: Provider, browser: HtmlBrowser
) -> None:
    """RFC 9700 §2.3: its audience is that endpoint; who checks tokens for this provider never sees it as one."""
    rp = await liberal.client(
        profile=Profile.OIDC, grant_types=GRANTS, response_types=TYPES, scope="openid profile offline_access shelf.read"
    )
    api = await liberal.client(grant_types=["client_credentials"], response_types=[], audiences=[liberal.issuer])
    answer = await front_token(rp, browser, response_type="code id_token token")
    token = answer.parameters["access_token"]

    own, foreign = await rp.introspect(token), await api.introspect(token)

    assert own.body["aud"] == f"{liberal.issuer}/userinfo"
    assert answer.parameters["scope"] == own.body["scope"] == "openid profile"
    assert foreign.body == {"active": False}
    assert await api.is_active((await rp.redeem(answer.code)).access_token)


async def test_an_access_token_of_the_front_channel_is_traded_for_no_other(
    liberal: Provider, browser: HtmlBrowser
) -> None:
    """RFC 9700 §2.1.2: whoever finds one in a browser's history could hand it to the client's own server."""
    rp = await liberal.client(profile=Profile.OIDC, grant_types=[*GRANTS, TOKEN_EXCHANGE], response_types=TYPES)
    rule = {"audiences": [liberal.issuer], "scopes": ["profile"], "may_impersonate": True}
    async with defined(liberal, ("exchange_rules", {"name": "own", "client_id": rp.client_id, **rule})):
        answer = await browser.answer(rp, response_type="code token")
        back = (await rp.redeem(answer.code)).access_token
        for token, status in ((answer.parameters["access_token"], 400), (back, 200)):
            traded = await rp.token(
                grant_type=TOKEN_EXCHANGE, subject_token=token, subject_token_type=ACCESS_TOKEN_TYPE
            )
            assert traded.status == status, traded.text


@pytest.mark.parametrize("response_type", [each for each in FRONT if "token" in words(each)])
@pytest.mark.parametrize(
    ("name", "value", "error"),
    [("resource", "https://api.example/", "invalid_target"),
     ("authorization_details", '[{"type":"payment"}]', "invalid_authorization_details")],
)  # fmt: skip
async def test_an_access_token_of_the_front_channel_is_never_for_a_resource(
    rp: RelyingParty, browser: HtmlBrowser, response_type: str, name: str, value: str, error: str
) -> None:
    """RFC 8707 §2, RFC 9396 §5: refused, not ignored."""
    answer = await at_once(browser, rp, response_type=response_type, **{name: value})

    assert (answer.mode, answer.error) == ("fragment", error)


async def test_offline_access_is_ignored_without_a_code(
    liberal: Provider, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    """OIDC Core §11; with a code the refresh token comes from the token endpoint."""
    implicit = await front_token(rp, browser, scope="openid offline_access")
    hybrid = await front_token(rp, browser, response_type="code id_token token", scope="openid offline_access")

    assert implicit.parameters["scope"] == "openid"
    assert hybrid.parameters.keys() & {"refresh_token"} == set()
    assert (await rp.redeem(hybrid.code)).refresh_token


async def test_a_token_lives_on_when_its_code_is_redeemed_and_dies_when_the_code_comes_again(
    rp: RelyingParty, browser: HtmlBrowser
) -> None:
    """RFC 6749 §4.1.2: what was issued with a code belongs to the same grant as what it is redeemed for."""
    answer = await front_token(rp, browser, response_type="code id_token token")
    front = answer.parameters["access_token"]
    tokens = await rp.redeem(answer.code)

    both = [(await rp.userinfo(each)).status for each in (front, tokens.access_token)]
    again = await rp.redeem(answer.code)

    assert (both, again.error) == ([200, 200], "invalid_grant")
    assert [(await rp.userinfo(each)).status for each in (front, tokens.access_token)] == [401, 401]


async def test_a_grant_that_was_revoked_gives_nothing_for_its_code(
    liberal: Provider, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    """RFC 7009 §2.1: the grant began at /authorize, and ended before its code was redeemed."""
    answer = await front_token(rp, browser, response_type="code id_token token")
    told = await rp.introspect(answer.parameters["access_token"])
    async with liberal.site.transactions.open(write=True) as stores:
        assert await stores.grants.revoke(told.body["jti"].partition(".")[0], liberal.clock.now())

    redeemed = await rp.redeem(answer.code)

    assert (redeemed.status, redeemed.error) == (400, "invalid_grant")
    assert (await rp.userinfo(answer.parameters["access_token"])).status == 401


@pytest.mark.parametrize("is_redeemed", [False, True])
async def test_signing_out_ends_what_came_by_the_front_channel(
    liberal: Provider, rp: RelyingParty, browser: HtmlBrowser, is_redeemed: bool
) -> None:
    """OIDC Core §11: offline access begins when the code is redeemed, not before."""
    answer = await front_token(rp, browser, response_type="code id_token token", scope="openid offline_access")
    if is_redeemed:
        await rp.redeem(answer.code)

    await browser.open(f"{liberal.issuer}/end_session?id_token_hint={answer.parameters['id_token']}")

    assert browser.page.name == "signed-out"
    assert (await rp.userinfo(answer.parameters["access_token"])).status == (200 if is_redeemed else 401)
    if not is_redeemed:
        assert (await rp.redeem(answer.code)).error == "invalid_grant"


async def test_consent_is_asked_once_and_silent_renewal_needs_no_page(
    liberal: Provider, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    """OIDC Core §3.1.2.4: as in any other flow."""
    page = await browser.open((await rp.authorization_request(response_type="id_token token")).url)
    assert page.name == "login"
    page = await browser.sign_in()
    assert page.name == "consent"
    await browser.submit("consent-allow")
    liberal.clock.advance(MINUTE)

    answer = await at_once(browser, rp, response_type="id_token token", prompt="none")

    assert (answer.mode, answer.error) == ("fragment", None)


async def test_a_person_who_says_no_is_told_of_in_the_fragment(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """OIDC Core §3.2.2.6: state comes back with it."""
    await browser.open((await rp.authorization_request(response_type="code id_token")).url)
    await browser.sign_in()

    page = await browser.submit("consent-deny")

    answer = rp.receive(AuthorizationAnswer.from_url(page.location or ""))
    assert (answer.mode, answer.error) == ("fragment", "access_denied")


@pytest.mark.parametrize("profile", [Profile.OAUTH21, Profile.NATIVE])
async def test_only_clients_of_profile_oidc_may_register_other_types(liberal: Provider, profile: Profile) -> None:
    """RFC 9700 §2.1.2: nobody else is exposed to it."""
    with pytest.raises(BadClient):
        await liberal.client(profile=profile, grant_types=GRANTS, response_types=["code", "id_token"])
    with pytest.raises(BadClient):
        await liberal.client(profile=profile, grant_types=GRANTS)


async def test_other_types_are_registered_with_the_grant_type_implicit(liberal: Provider) -> None:
    """OIDC Registration §2."""
    for grants in (["authorization_code"], ["authorization_code", "refresh_token"]):
        with pytest.raises(BadClient):
            await liberal.client(profile=Profile.OIDC, grant_types=grants, response_types=["code id_token"])


async def test_tokens_that_must_be_bound_are_never_given_here(liberal: Provider) -> None:
    """RFC 9449 §5.2: nobody proves a key in a redirect."""
    with pytest.raises(BadClient):
        await liberal.client(
            profile=Profile.OIDC, grant_types=GRANTS, response_types=["id_token token"], dpop_bound_access_tokens=True
        )


@pytest.mark.parametrize("response_type", FRONT)
async def test_a_type_that_the_client_did_not_register_is_refused(
    liberal: Provider, browser: HtmlBrowser, response_type: str
) -> None:
    """RFC 6749 §4.2.2.1: unauthorized_client, in the fragment; the plain implicit `token` exists for nobody."""
    others = [each for each in TYPES if each != response_type]
    rp = await liberal.client(profile=Profile.OIDC, grant_types=GRANTS, response_types=others)

    answer = await at_once(browser, rp, response_type=response_type)
    plain = await at_once(browser, rp, response_type="token")

    assert (answer.mode, answer.error) == ("fragment", "unauthorized_client")
    assert (plain.mode, plain.error) == ("fragment", "unsupported_response_type")


@pytest.mark.parametrize("response_type", FRONT)
async def test_without_the_switch_nobody_registers_or_uses_them(provider: Provider, response_type: str) -> None:
    """RFC 9700 §2.1.2: off unless an operator says otherwise; then also for clients that registered them before."""
    with pytest.raises(BadClient):
        await provider.client(profile=Profile.OIDC, grant_types=GRANTS, response_types=["code", response_type])
    rp = await provider.client(profile=Profile.OIDC)
    async with provider.browser() as nobody:
        answer = await at_once(nobody, rp, response_type=response_type)

    assert (answer.mode, answer.error) == ("fragment", "unsupported_response_type")


async def test_the_token_endpoint_knows_no_grant_type_implicit(rp: RelyingParty) -> None:
    """RFC 6749 §4.2: there is no such request."""
    assert (await rp.token(grant_type="implicit")).error == "unsupported_grant_type"


async def test_the_metadata_lists_them_only_with_the_switch(liberal: Provider, provider: Provider) -> None:
    """OIDC Discovery §3."""
    on, off = await liberal.metadata(), await provider.metadata()

    assert (on["response_types_supported"], off["response_types_supported"]) == (TYPES, ["code"])
    assert ("implicit" in on["grant_types_supported"], "implicit" in off["grant_types_supported"]) == (True, False)


async def test_pkce_is_for_codes(liberal: Provider, browser: HtmlBrowser) -> None:
    """RFC 7636 §4.3: a public client needs it wherever a code leaves, and there alone."""
    rp = await liberal.client(profile=Profile.OIDC, method="none", grant_types=GRANTS, response_types=TYPES)
    bare: dict[str, str | None] = {"code_challenge": None, "code_challenge_method": None}

    refused = await browser.answer(rp, response_type="code id_token", **bare)
    given = await browser.answer(rp, response_type="id_token", **bare)

    assert (refused.error, given.error) == ("invalid_request", None)

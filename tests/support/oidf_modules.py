"""Modules of the OpenID Foundation's plans for the flows of OpenID Connect Core, each for whatever a `Suite` runs.

The plans, which name each after its module, are test_oidf_….py in tests/specs.
"""

from datetime import timedelta
from urllib.parse import urlencode

from tests.support.jose import forge, parts
from tests.support.oidf import EVERYTHING, KEY, NO_PKCE, PROFILE, Suite
from tests.support.provider import SECOND


async def server(suite: Suite) -> None:
    """The flow ends with what its response type names; an ID token holds nothing that was not asked for."""
    run = await suite.flow()

    assert not run.claims.keys() & EVERYTHING.keys()


async def response_type_missing(suite: Suite) -> None:
    """Without response_type: invalid_request, by the mode that was asked for, else in the query."""
    answer = (await suite.ask(response_type=None)).answer()

    assert (answer.error, answer.mode) == ("invalid_request", suite.response_mode or "query")


async def idtoken_signature(suite: Suite) -> None:
    """Without a registered algorithm it is RS256, and kid says by which key."""
    header, _ = parts((await suite.flow()).id_token)

    assert header["alg"] == "RS256"
    assert header["kid"]


async def idtoken_unsigned(suite: Suite) -> None:
    """Not offered: `none` stands in no list, so the suite skips it."""
    assert "none" not in (await suite.provider.metadata())["id_token_signing_alg_values_supported"]


async def userinfo_get(suite: Suite) -> None:
    """Userinfo answers a GET, by every access token that came."""
    run = await suite.flow()

    assert (await suite.userinfo(run))["sub"] == run.claims["sub"]


async def userinfo_post_header(suite: Suite) -> None:
    """Userinfo answers a POST with the token in the header."""
    run = await suite.flow()

    for token in run.access_tokens:
        response = await suite.rp.http.post(f"{suite.rp.issuer}/userinfo", headers={"Authorization": f"Bearer {token}"})
        assert (response.status_code, response.json()["sub"]) == (200, run.claims["sub"])


async def userinfo_post_body(suite: Suite) -> None:
    """Userinfo answers a POST with the token in the form."""
    run = await suite.flow()

    for token in run.access_tokens:
        response = await suite.rp.http.post(f"{suite.rp.issuer}/userinfo", data={"access_token": token})
        assert (response.status_code, response.json()["sub"]) == (200, run.claims["sub"])


async def ensure_request_without_nonce_succeeds_for_code_flow(suite: Suite) -> None:
    """No ID token leaves /authorize, so no nonce is due, and none comes back."""
    assert "id_token" not in suite.words

    assert "nonce" not in (await suite.flow(nonce=None)).claims


async def ensure_request_without_nonce_fails(suite: Suite) -> None:
    """An ID token would leave /authorize: invalid_request, where the answer would have gone."""
    assert "id_token" in suite.words

    assert (await suite.at_once(nonce=None)).error == "invalid_request"


async def scope_profile(suite: Suite) -> None:
    """All fourteen claims of `profile`."""
    body = await suite.userinfo(await suite.flow(scope="openid profile"))

    assert body.keys() >= PROFILE.keys() | {"updated_at"}
    assert not body.keys() & {"email", "address", "phone_number"}
    assert isinstance(body["updated_at"], int)


async def scope_email(suite: Suite) -> None:
    """Both claims of `email`."""
    body = await suite.userinfo(await suite.flow(scope="openid email"))

    assert (body["email"], body["email_verified"]) == (suite.person.user.email, True)


async def scope_address(suite: Suite) -> None:
    """The address is an object."""
    assert (await suite.userinfo(await suite.flow(scope="openid address")))["address"] == {"country": "GB"}


async def scope_phone(suite: Suite) -> None:
    """Both claims of `phone`."""
    body = await suite.userinfo(await suite.flow(scope="openid phone"))

    assert (body["phone_number"], body["phone_number_verified"]) == ("+44 20 7946 0000", True)


async def scope_all(suite: Suite) -> None:
    """All scopes at once; the claims are in an ID token only if it comes alone."""
    run = await suite.flow(scope="openid profile email address phone")

    assert EVERYTHING.keys() <= (await suite.userinfo(run)).keys()
    assert bool(run.claims.keys() & EVERYTHING.keys()) is not suite.has_userinfo


async def alternate_happy_flow(suite: Suite) -> None:
    """Scopes and parameters may come in any order."""
    request = await suite.rp.authorization_request(**suite.asked(scope="email openid"))
    endpoint, _, query = request.url.partition("?")

    page = await suite.browser.open(f"{endpoint}?{'&'.join(reversed(query.split('&')))}")

    await suite.go_on(page)


async def display_page(suite: Suite) -> None:
    """display=page works."""
    await suite.flow(display="page")


async def display_popup(suite: Suite) -> None:
    """display=popup does not fail."""
    await suite.flow(display="popup")


async def prompt_login(suite: Suite) -> None:
    """prompt=login asks again, and auth_time is later."""
    first = await suite.flow()
    suite.provider.clock.advance(SECOND)

    page = await suite.ask(prompt="login")
    second = await suite.go_on(page)

    assert page.name == "login"
    assert second.claims["auth_time"] > first.claims["auth_time"]


async def prompt_none_not_logged_in(suite: Suite) -> None:
    """prompt=none with nobody there is login_required, where the answer would have gone."""
    assert (await suite.at_once(prompt="none")).error == "login_required"


async def prompt_none_logged_in(suite: Suite) -> None:
    """prompt=none right after a sign-in answers at once: same sub and auth_time, no second consent."""
    first = await suite.flow()
    suite.provider.clock.advance(SECOND)

    second = await suite.finish(await suite.at_once(prompt="none"))

    assert [second.claims[name] for name in ("sub", "auth_time")] == [
        first.claims[name] for name in ("sub", "auth_time")
    ]


async def max_age_1(suite: Suite) -> None:
    """max_age=1 two seconds after the sign-in asks again; auth_time is there and later."""
    first = await suite.flow()
    suite.provider.clock.advance(2 * SECOND)

    page = await suite.ask(max_age="1")
    second = await suite.go_on(page)

    assert page.name == "login"
    assert second.claims["auth_time"] >= first.claims["auth_time"] + 2


async def max_age_10000(suite: Suite) -> None:
    """max_age=10000 asks nobody; auth_time is there and the same."""
    first = await suite.flow()

    second = await suite.finish(await suite.at_once(max_age="10000"))

    assert second.claims["auth_time"] == first.claims["auth_time"]


async def ensure_request_with_unknown_parameter_succeeds(suite: Suite) -> None:
    """`extra=foobar` is ignored."""
    await suite.flow(extra="foobar")


async def id_token_hint(suite: Suite) -> None:
    """prompt=none with the hint of whoever is signed in answers at once for the same sub."""
    first = await suite.flow()

    second = await suite.finish(await suite.at_once(prompt="none", id_token_hint=first.id_token))

    assert second.claims["sub"] == first.claims["sub"]


async def login_hint(suite: Suite) -> None:
    """A login_hint does not fail."""
    await suite.flow(login_hint="bob@oidc.com")


async def ui_locales(suite: Suite) -> None:
    """ui_locales does not fail, spoken or not."""
    await suite.flow(ui_locales="se")


async def claims_locales(suite: Suite) -> None:
    """claims_locales does not fail."""
    await suite.flow(claims_locales="se")


async def ensure_request_with_acr_values_succeeds(suite: Suite) -> None:
    """The acr is one of those asked for."""
    assert (await suite.flow(acr_values="urn:idp:loa:1 urn:idp:loa:1v")).claims["acr"] == "urn:idp:loa:1"


async def codereuse(suite: Suite) -> None:
    """A code used twice at once: invalid_grant, and what came with it and for it is dead."""
    run = await suite.flow()

    again = await suite.rp.redeem(run.answer.code, code_verifier=None)

    assert (again.status, again.error) == (400, "invalid_grant")
    assert {(await suite.rp.userinfo(token)).status for token in run.access_tokens} == {401}


async def codereuse_30seconds(suite: Suite) -> None:
    """The same after half a minute."""
    run = await suite.flow()
    suite.provider.clock.advance(30 * SECOND)

    again = await suite.rp.redeem(run.answer.code, code_verifier=None)

    assert (again.status, again.error) == (400, "invalid_grant")
    assert {(await suite.rp.userinfo(token)).status for token in run.access_tokens} == {401}


async def ensure_registered_redirect_uri(suite: Suite) -> None:
    """An unregistered redirect URI ends on a page of ours."""
    page = await suite.ask(redirect_uri=suite.rp.redirect_uri + "/unregistered")

    assert (page.status, page.name, page.location) == (400, "error", None)


async def ensure_post_request_succeeds(suite: Suite) -> None:
    """The authorization request may come by POST."""
    request = await suite.rp.authorization_request(**suite.asked())

    endpoint = (await suite.rp.metadata())["authorization_endpoint"]

    await suite.go_on(await suite.browser.post_from_elsewhere(endpoint, request.parameters))


async def server_client_secret_post(suite: Suite) -> None:
    """A client that registered client_secret_post authenticates so."""
    registered = await suite.provider.registration(suite.rp)
    rp = await suite.provider.client(
        profile=registered.profile, method="client_secret_post", grant_types=list(registered.grant_types),
        response_types=list(registered.response_types),
    )  # fmt: skip
    other = Suite(
        suite.provider, rp, suite.second, suite.person, suite.browser, suite.response_type, suite.response_mode
    )

    await other.flow()


async def request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(suite: Suite) -> None:
    """The client registered no such addresses: refused as unsupported, never fetched, never ignored."""
    answer = await suite.at_once(request_uri="https://suite.example/request.jwt")

    assert answer.error == "request_uri_not_supported"


async def unsigned_request_object_supported_correctly_or_rejected_as_unsupported(suite: Suite) -> None:
    """An unsigned object is refused, never ignored."""
    answer = await suite.at_once(request=forge({"alg": "none"}, {"scope": "openid"}, None, "none"))

    assert answer.error == "invalid_request_object"


async def claims_essential(suite: Suite) -> None:
    """`name`, essential: from userinfo if there is a way to ask it, else in the ID token."""
    asked = "userinfo" if suite.has_userinfo else "id_token"

    run = await suite.flow(claims=f'{{"{asked}":{{"name":{{"essential":true}}}}}}')

    assert (await suite.userinfo(run))["name"] == "Ada Lovelace"
    assert ("name" in run.claims) is not suite.has_userinfo


async def ensure_request_object_with_redirect_uri(suite: Suite) -> None:
    """In a signed object the inner redirect URI wins over a wrong one outside."""
    request = await suite.rp.authorization_request(**suite.asked())
    signed = forge({"alg": "RS256", "kid": "suite"}, {**request.parameters}, KEY, "RS256")

    outer = {"client_id": suite.rp.client_id, "response_type": suite.response_type, "scope": "openid"}
    sent = urlencode({**outer, "redirect_uri": "https://evil.example/", "request": signed})

    page = await suite.browser.open(f"{request.url.partition('?')[0]}?{sent}", came_from_elsewhere=True)

    await suite.go_on(page)


async def refresh_token(suite: Suite) -> None:
    """With offline_access and prompt=consent; the refresh repeats scope; another client is refused."""
    run = await suite.flow(scope="openid offline_access", prompt="consent")
    assert run.tokens is not None
    suite.provider.clock.advance(timedelta(seconds=1))

    stolen = await suite.second.refresh(run.tokens.refresh_token)
    fresh = await suite.rp.refresh(run.tokens.refresh_token, scope="openid offline_access")

    before, after = parts(run.tokens.id_token)[1], parts(fresh.id_token)[1]
    assert (stolen.status, stolen.error) == (400, "invalid_grant")
    assert [after[name] for name in ("iss", "sub", "aud", "auth_time", "azp")] == [
        before[name] for name in ("iss", "sub", "aud", "auth_time", "azp")
    ]
    assert after["iat"] > before["iat"]
    assert (await suite.rp.userinfo(fresh.access_token)).status == 200


async def ensure_request_with_valid_pkce_succeeds(suite: Suite) -> None:
    """S256 works for clients that send it."""
    asked = {name: value for name, value in suite.asked().items() if name not in NO_PKCE}

    await suite.finish(await suite.browser.answer(suite.rp, **asked))

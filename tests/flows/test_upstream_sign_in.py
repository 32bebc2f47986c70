"""Signing in at another provider: away, back, and then as after any first factor (OIDC Core §3.1)."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from idp.domain.assurance import Factor
from idp.domain.upstream import UpstreamAuth
from idp.domain.user import UserStatus
from tests.support.elsewhere import SECRET, Elsewhere, elsewhere
from tests.support.factors import with_totp
from tests.support.html_browser import Page
from tests.support.provider import MINUTE, SECOND, Person, ask
from tests.support.relying_party import Json, RelyingParty


@pytest.fixture(scope="module")
async def there(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Elsewhere]:
    async with elsewhere(tmp_path_factory.mktemp("upstream")) as running:
        yield running


@pytest.fixture(autouse=True)
async def honest(there: Elsewhere) -> None:
    """Nothing of an earlier test is left: no lies, no forgotten time."""
    there.provider.clock.advance(2 * MINUTE)
    there.fake.tell_the_truth()


@pytest.fixture
async def rp(there: Elsewhere) -> RelyingParty:
    return await there.provider.client(is_first_party=True)


async def claims_of(rp: RelyingParty, page: Page) -> Json:
    """Return the claims of the ID token for the code that a page carries."""
    answer = rp.receive(page.answer())
    return await rp.check_id_token(await rp.redeem(answer.code), rp.requests[answer.state or ""])


async def reasons(there: Elsewhere) -> list[str]:
    return [row["detail"] for row in await there.provider.events("upstream_refused")]


async def test_the_sign_in_page_has_a_button_for_each_active_provider(there: Elsewhere, rp: RelyingParty) -> None:
    on, off = await there.upstream(name="Works", button="Staff"), await there.upstream(is_active=False)

    page = await ask(there.provider.browser(), rp)

    assert page.text(f"upstream-{on.id}") == "Staff"
    assert not page.has(f"upstream-{off.id}")


async def test_a_request_has_state_nonce_and_pkce_and_the_one_redirect_uri(there: Elsewhere, rp: RelyingParty) -> None:
    upstream, browser = await there.upstream(scopes=("openid", "email")), there.provider.browser()
    await ask(browser, rp)

    first = parse_qs(urlsplit(await there.leave(browser, upstream)).query)
    await ask(browser, rp)
    second = parse_qs(urlsplit(await there.leave(browser, upstream)).query)

    assert first["response_type"] == ["code"]
    assert first["client_id"] == ["us"]
    assert first["scope"] == ["openid email"]
    assert first["redirect_uri"] == [f"{there.provider.issuer}/upstream/{upstream.id}/callback"]
    assert first["code_challenge_method"] == ["S256"]
    for secret in ("state", "nonce", "code_challenge"):
        assert len(first[secret][0]) >= 43
        assert first[secret] != second[secret]


async def test_a_known_identity_signs_its_person_in(there: Elsewhere, rp: RelyingParty) -> None:
    upstream, person = await there.upstream(), await there.provider.person()
    await there.linked(upstream, person)

    _, page = await there.sign_in(upstream, rp)

    claims = await claims_of(rp, page)
    assert claims["sub"] == person.id
    assert claims["acr"] == "urn:idp:loa:1"
    assert claims.get("amr", []) == []
    assert claims["auth_time"] == there.fake.auth_time


async def test_a_providers_credentials_are_encoded_and_its_tokens_kept_nowhere(
    there: Elsewhere, rp: RelyingParty
) -> None:  # fmt: skip
    upstream, person = await there.upstream(client_secret=SECRET), await there.provider.person()
    await there.linked(upstream, person)

    await there.sign_in(upstream, rp)

    asked = there.fake.asked("/token")
    assert asked["grant_type"] == "authorization_code"
    assert asked["redirect_uri"].endswith(f"/upstream/{upstream.id}/callback")


async def test_our_second_factor_is_still_asked(there: Elsewhere, rp: RelyingParty) -> None:
    """An upstream sign-in is one first factor (LG38, security rules of factor skipping)."""
    upstream, person = await there.upstream(), await there.provider.person()
    app = await with_totp(there.provider, person)
    await there.linked(upstream, person)

    browser, page = await there.sign_in(upstream, rp)
    assert page.name == "step-up", page.describe()
    page = await browser.submit("otp-submit", otp_code=app.code(there.provider.clock.now()))

    claims = await claims_of(rp, page)
    assert claims["acr"] == "urn:idp:loa:2"
    assert set(claims["amr"]) == {"otp", "mfa"}


async def test_what_a_provider_says_of_itself_counts_for_nothing_unless_it_is_trusted(
    there: Elsewhere, rp: RelyingParty
) -> None:
    upstream, person = await there.upstream(), await there.provider.person()
    await with_totp(there.provider, person)
    await there.linked(upstream, person)
    there.fake.lies.id_token = {"acr": "urn:idp:loa:2", "amr": ["pwd", "otp", "mfa"]}

    _, page = await there.sign_in(upstream, rp)

    assert page.name == "step-up", page.describe()


async def test_a_trusted_acr_stands_for_the_factors_that_the_operator_named(there: Elsewhere, rp: RelyingParty) -> None:
    upstream = await there.upstream(believes={"acr:high": (Factor.PASSWORD, Factor.TOTP)})
    person = await there.provider.person()
    await with_totp(there.provider, person)
    await there.linked(upstream, person)
    there.fake.lies.id_token = {"acr": "high", "amr": ["whatever"]}

    _, page = await there.sign_in(upstream, rp)

    claims = await claims_of(rp, page)
    assert claims["acr"] == "urn:idp:loa:2"
    assert set(claims["amr"]) == {"pwd", "otp", "mfa"}


async def test_another_acr_than_the_trusted_one_counts_for_nothing(there: Elsewhere, rp: RelyingParty) -> None:
    upstream = await there.upstream(believes={"acr:high": (Factor.PASSWORD, Factor.TOTP)})
    person = await there.provider.person()
    await with_totp(there.provider, person)
    await there.linked(upstream, person)
    there.fake.lies.id_token = {"acr": "low", "amr": ["high"]}

    _, page = await there.sign_in(upstream, rp)

    assert page.name == "step-up", page.describe()


async def test_a_trusted_amr_of_a_key_makes_the_sign_in_phishing_resistant(there: Elsewhere, rp: RelyingParty) -> None:
    upstream = await there.upstream(believes={"amr:hwk": (Factor.WEBAUTHN,)})
    person = await there.provider.person()
    await there.linked(upstream, person)
    there.fake.lies.id_token = {"amr": ["hwk"]}

    _, page = await there.sign_in(upstream, rp, acr_values="phr")

    claims = await claims_of(rp, page)
    assert claims["acr"] == "phr"
    assert claims["amr"] == ["pop"]


async def test_somebody_who_is_disabled_gets_in_by_no_provider(there: Elsewhere, rp: RelyingParty) -> None:
    """LG38: disabled means every door."""
    upstream, person = await there.upstream(), await there.provider.person()
    await there.linked(upstream, person)
    await there.provider.site.users.set_status(person.user, UserStatus.DISABLED)

    _, page = await there.sign_in(upstream, rp)

    assert page.name == "login"
    assert "did not work" in page.text("login-problem")


async def test_a_provider_that_is_switched_off_meanwhile_lets_nobody_in(there: Elsewhere, rp: RelyingParty) -> None:
    upstream, person, browser = await there.upstream(), await there.provider.person(), there.provider.browser()
    await there.linked(upstream, person)
    await ask(browser, rp)
    answer = await there.at(await there.leave(browser, upstream))
    await switch_off(there, upstream.id)

    page = await browser.open(answer, came_from_elsewhere=True)

    assert page.name == "login"
    assert "not open" in page.text("login-problem")


async def switch_off(there: Elsewhere, upstream_id: str) -> None:
    async with there.provider.site.transactions.open(write=True) as stores:
        upstream = await stores.upstreams.lock(upstream_id)
        assert upstream is not None
        await stores.upstreams.save(replace(upstream, is_active=False))


async def test_a_sign_in_that_was_cancelled_there_goes_on_here(there: Elsewhere, rp: RelyingParty) -> None:
    upstream = await there.upstream()
    there.fake.lies.authorization = {"code": None, "error": "access_denied"}

    browser, page = await there.sign_in(upstream, rp)

    assert page.name == "login"
    assert "did not finish" in page.text("login-problem")
    assert not any(page.has(each) for each in ("login-error",))
    person = await there.provider.person()
    browser.username, browser.password = person.username, person.password
    assert (await browser.finish(rp, page)).code


async def test_an_answer_counts_once(there: Elsewhere, rp: RelyingParty) -> None:
    upstream, person, browser = await there.upstream(), await there.provider.person(), there.provider.browser()
    await there.linked(upstream, person)
    await ask(browser, rp)
    answer = await there.at(await there.leave(browser, upstream))
    await browser.open(answer, came_from_elsewhere=True)

    page = await browser.open(answer, came_from_elsewhere=True)

    assert (page.status, page.name) == (400, "notice")
    assert page.document.attributes["notice"]["data-kind"] == "upstream_unknown"


async def test_of_the_same_answer_twice_at_once_one_counts(there: Elsewhere, rp: RelyingParty) -> None:
    upstream, person, browser = await there.upstream(), await there.provider.person(), there.provider.browser()
    await there.linked(upstream, person)
    await ask(browser, rp)
    answer = await there.at(await there.leave(browser, upstream))

    pages = await asyncio.gather(*(browser.open(answer, came_from_elsewhere=True) for _ in range(2)))

    assert sorted(page.name == "notice" for page in pages) == [False, True]


async def test_an_answer_must_come_within_ten_minutes(there: Elsewhere, rp: RelyingParty) -> None:
    upstream, person, browser = await there.upstream(), await there.provider.person(), there.provider.browser()
    await there.linked(upstream, person)
    await ask(browser, rp)
    late = await there.at(await there.leave(browser, upstream))
    there.provider.clock.advance(10 * MINUTE)
    page = await browser.open(late, came_from_elsewhere=True)
    assert page.status == 400

    await ask(browser, rp)
    in_time = await there.leave(browser, upstream)
    there.provider.clock.advance(10 * MINUTE - SECOND)
    page = await browser.open(await there.at(in_time), came_from_elsewhere=True)
    assert page.location is not None


async def test_a_provider_that_is_down_is_told_of_and_nothing_is_lost(there: Elsewhere, rp: RelyingParty) -> None:
    upstream = await there.upstream()
    there.fake.lies.status = {"metadata": 503}
    browser = there.provider.browser()
    await ask(browser, rp)

    page = await browser.submit(f"upstream-{upstream.id}")

    assert page.status == 503
    assert page.response.headers["retry-after"]
    assert page.document.attributes["notice"]["data-kind"] == "upstream_away"
    assert '"reason":"metadata"' in (await reasons(there))[-1]
    there.fake.lies.status = {}
    there.provider.clock.advance(timedelta(seconds=10))
    await browser.open(page.document.attributes["notice-retry"]["href"])
    assert await there.leave(browser, upstream)


async def test_a_metadata_document_is_kept_for_ten_minutes_and_an_hour_while_its_host_is_down(
    there: Elsewhere, rp: RelyingParty
) -> None:
    upstream, browser = await there.upstream(), there.provider.browser()
    await ask(browser, rp)
    assert await there.leave(browser, upstream)
    there.fake.lies.status = {"metadata": 503}
    for waited in (9 * MINUTE, 50 * MINUTE):
        there.provider.clock.advance(waited)
        await ask(browser, rp)
        assert await there.leave(browser, upstream)

    there.provider.clock.advance(MINUTE)
    await ask(browser, rp)
    page = await browser.submit(f"upstream-{upstream.id}")
    assert page.status == 503


LIES: dict[str, Json] = {
    "another issuer": {"iss": "https://evil.example"},
    "another audience": {"aud": "somebody else"},
    "several audiences, none of them named as the party": {"aud": ["us", "them"]},
    "another party": {"azp": "them"},
    "no expiry": {"exp": None},
    "an expiry that is no number": {"exp": "9999999999"},
    "expired": {"exp": 1},
    "no time of issue": {"iat": None},
    "no nonce": {"nonce": None},
    "another nonce": {"nonce": "another"},
    "nobody": {"sub": None},
    "a subject that is no text": {"sub": 248289761001},
    "another access token": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    "not yet": {"nbf": 2**39},
}


@pytest.mark.parametrize("lie", LIES)
async def test_an_id_token_that_lies_signs_nobody_in(there: Elsewhere, rp: RelyingParty, lie: str) -> None:
    """OIDC Core §3.1.3.7."""
    upstream, person = await there.upstream(), await there.provider.person()
    await there.linked(upstream, person)
    there.fake.lies.id_token = LIES[lie]

    _, page = await there.sign_in(upstream, rp)

    is_broken(page)


def is_broken(page: Page) -> None:
    assert (page.status, page.name) == (502, "notice"), page.describe()
    assert page.document.attributes["notice"]["data-kind"] == "upstream_broken"
    assert page.response.headers.get("set-cookie", "").count("idp_session") == 0


async def test_an_id_token_for_us_among_others_counts_if_we_are_the_party(there: Elsewhere, rp: RelyingParty) -> None:
    upstream, person = await there.upstream(), await there.provider.person()
    await there.linked(upstream, person)
    there.fake.lies.id_token = {"aud": ["us", "them"], "azp": "us"}

    _, page = await there.sign_in(upstream, rp)

    assert (await claims_of(rp, page))["sub"] == person.id


async def test_a_key_that_the_provider_does_not_publish_signs_for_nobody(there: Elsewhere, rp: RelyingParty) -> None:
    upstream, person = await there.upstream(), await there.provider.person()
    await there.linked(upstream, person)
    there.fake.lies.signing_key = ECKey.generate_key("P-256", {"kid": "fake"})

    _, page = await there.sign_in(upstream, rp)

    is_broken(page)
    assert '"reason":"signature"' in (await reasons(there))[-1]


@pytest.mark.parametrize(
    "tokens",
    [
        {"id_token": None}, {"id_token": "a.b"}, {"access_token": None}, {"access_token": "with space"},
        {"token_type": "mac"}, {"token_type": None}, {"id_token": 7},
    ],
)  # fmt: skip
async def test_tokens_that_are_none_sign_nobody_in(there: Elsewhere, rp: RelyingParty, tokens: Json) -> None:
    upstream, person = await there.upstream(), await there.provider.person()
    await there.linked(upstream, person)
    there.fake.lies.tokens = tokens

    _, page = await there.sign_in(upstream, rp)

    is_broken(page)


@pytest.mark.parametrize(("status", "told"), [(500, 503), (429, 503), (400, 502), (302, 502), (200, 502)])
async def test_a_token_endpoint_that_fails_is_no_fault_of_ours(
    there: Elsewhere, rp: RelyingParty, status: int, told: int
) -> None:
    upstream, person = await there.upstream(), await there.provider.person()
    await there.linked(upstream, person)
    there.fake.lies.status = {"token": status}

    _, page = await there.sign_in(upstream, rp)

    assert page.status == told


async def test_userinfo_is_asked_where_the_operator_says_so_and_is_about_the_same_person(
    there: Elsewhere, rp: RelyingParty
) -> None:
    upstream, person = await there.upstream(asks_userinfo=True), await there.provider.person()
    await there.linked(upstream, person)
    _, page = await there.sign_in(upstream, rp)
    assert (await claims_of(rp, page))["sub"] == person.id

    there.fake.lies.userinfo = {"sub": "somebody else"}
    _, page = await there.sign_in(upstream, rp)
    is_broken(page)


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"}, {"issuer": None}, {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "http://10.0.0.1/"}, {"token_endpoint": None}, {"jwks_uri": 7},
        {"token_endpoint": "http://127.0.0.1:1/"},
    ],
)  # fmt: skip
async def test_a_document_that_lies_leads_nobody_anywhere(there: Elsewhere, rp: RelyingParty, metadata: Json) -> None:
    """OIDC Discovery §4.3; every endpoint is one that may be fetched."""
    upstream, browser = await there.upstream(), there.provider.browser()
    there.fake.lies.metadata = metadata
    await ask(browser, rp)

    page = await browser.submit(f"upstream-{upstream.id}")

    assert (page.status, page.name) == (502, "notice")


async def test_a_client_that_asks_for_a_fresh_sign_in_gets_one_there(there: Elsewhere, rp: RelyingParty) -> None:
    upstream, person = await there.upstream(), await there.provider.person()
    await there.linked(upstream, person)
    there.fake.auth_time = int(there.provider.clock.timestamp())

    _, page = await there.sign_in(upstream, rp, prompt="login")
    assert there.fake.asked("/authorize")["prompt"] == "login"
    assert (await claims_of(rp, page))["auth_time"] == there.fake.auth_time

    _, page = await there.sign_in(upstream, rp, max_age="600")
    assert there.fake.asked("/authorize")["max_age"] == "600"
    assert page.location is not None


@pytest.mark.parametrize("asked", [{"prompt": "login"}, {"max_age": "60"}, {"max_age": "0"}])
async def test_a_sign_in_there_that_is_too_old_is_none_for_a_client_that_wants_a_fresh_one(
    there: Elsewhere, rp: RelyingParty, asked: dict[str, str]
) -> None:
    upstream, person = await there.upstream(), await there.provider.person()
    await there.linked(upstream, person)
    there.fake.auth_time = int((there.provider.clock.now() - 3 * MINUTE).timestamp())

    _, page = await there.sign_in(upstream, rp, **asked)

    assert page.name == "login", page.describe()
    assert "not asked" in page.text("login-problem")


async def test_a_time_of_sign_in_that_has_not_come_is_the_time_of_the_answer(
    there: Elsewhere, rp: RelyingParty
) -> None:
    upstream, person = await there.upstream(), await there.provider.person()
    await there.linked(upstream, person)
    for said in (int((there.provider.clock.now() + 60 * MINUTE).timestamp()), None):
        there.fake.auth_time = said
        _, page = await there.sign_in(upstream, rp)
        claims = await claims_of(rp, page)
        assert abs(claims["auth_time"] - there.provider.clock.timestamp()) < 2


async def test_prompt_none_leads_nobody_elsewhere(there: Elsewhere, rp: RelyingParty) -> None:
    await there.upstream()

    page = await ask(there.provider.browser(), rp, prompt="none")

    assert page.location is not None
    assert "error=login_required" in page.location


async def test_a_hint_goes_to_the_home_of_its_address_only(there: Elsewhere, rp: RelyingParty) -> None:
    home, other = await there.upstream(domains=("works.example",)), await there.upstream()
    browser = there.provider.browser()

    await ask(browser, rp, login_hint="ada@works.example")
    assert "login_hint=ada%40works.example" in await there.leave(browser, home)
    await ask(browser, rp, login_hint="ada@works.example")
    assert "login_hint" not in await there.leave(browser, other)


async def test_groups_that_the_operator_mapped_follow_what_the_provider_says(
    there: Elsewhere, rp: RelyingParty
) -> None:
    upstream = await there.upstream(groups_claim="roles", groups={"admins": "staff", "readers": "library"})
    person = await there.provider.person(groups=["choir", "library"])
    await there.linked(upstream, person)
    there.fake.lies.id_token = {"roles": ["admins", "gods"]}

    await there.sign_in(upstream, rp)
    assert await groups_of(there, person) == ("choir", "staff")

    there.fake.lies.id_token = {"roles": None}
    await there.sign_in(upstream, rp)
    assert await groups_of(there, person) == ("choir",)


async def groups_of(there: Elsewhere, person: Person) -> tuple[str, ...]:
    async with there.provider.site.transactions.open(write=False) as stores:
        user = await stores.users.find(person.id)
    assert user is not None
    return user.groups


async def test_we_prove_ourselves_by_a_signed_assertion_where_that_is_wanted(
    there: Elsewhere, rp: RelyingParty
) -> None:
    """RFC 7523 §2.2: audience is the issuer, and no other token of ours has this type."""
    upstream = await there.upstream(auth_method=UpstreamAuth.PRIVATE_KEY_JWT, client_secret=None)
    person = await there.provider.person()
    await there.linked(upstream, person)

    _, page = await there.sign_in(upstream, rp)

    assert (await claims_of(rp, page))["sub"] == person.id
    sent = there.fake.asked("/token")
    jwks = (await there.provider.http.get(f"{there.provider.issuer}/jwks")).json()
    read = jwt.decode(sent["client_assertion"], KeySet.import_key_set(jwks), algorithms=["ES256", "RS256", "PS256"])
    assert read.header["typ"] == "client-authentication+jwt"
    assert (read.claims["iss"], read.claims["sub"], read.claims["aud"]) == ("us", "us", there.fake.issuer)
    assert read.claims["exp"] - read.claims["iat"] <= 60
    assert "client_secret" not in sent


async def test_a_key_that_the_provider_rolled_over_to_is_looked_for_at_most_once_a_minute(
    there: Elsewhere, rp: RelyingParty
) -> None:
    upstream, person = await there.upstream(), await there.provider.person()
    await there.linked(upstream, person)
    await there.sign_in(upstream, rp)

    there.fake.roll_over()
    _, page = await there.sign_in(upstream, rp)
    is_broken(page)
    there.provider.clock.advance(MINUTE)
    there.fake.tell_the_truth()
    _, page = await there.sign_in(upstream, rp)

    assert page.location is not None, page.describe()

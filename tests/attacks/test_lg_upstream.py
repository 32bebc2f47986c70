"""LG38, LG67: other providers as a way in – what they, their people or others in between might try."""

import base64
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from idp.domain.secret import make_id
from idp.domain.upstream import NewAccounts
from tests.support.elsewhere import Elsewhere, changed, elsewhere
from tests.support.html_browser import Page
from tests.support.provider import MINUTE, Person, ask
from tests.support.relying_party import RelyingParty
from tests.support.serving import served


@pytest.fixture(scope="module")
async def there(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Elsewhere]:
    async with elsewhere(tmp_path_factory.mktemp("upstream")) as running:
        yield running


@pytest.fixture(autouse=True)
async def honest(there: Elsewhere) -> None:
    """Somebody whom nobody knows yet signs in elsewhere."""
    there.provider.clock.advance(2 * MINUTE)
    there.fake.tell_the_truth()
    there.fake.person = {"sub": make_id(), "name": "Mallory", "email": "mallory@elsewhere.example"}


@pytest.fixture
async def rp(there: Elsewhere) -> RelyingParty:
    return await there.provider.client(is_first_party=True)


async def links_of(there: Elsewhere, person: Person) -> int:
    async with there.provider.site.transactions.open(write=False) as stores:
        return len(await stores.upstream_identities.of_user(person.id))


def is_nobody(page: Page) -> bool:
    """Say whether a page gives no session, no code and no account of anybody."""
    gives_session = "idp_session=" in str(page.response.headers.get_list("set-cookie"))
    return not gives_session and "code=" not in (page.location or "")


@pytest.mark.parametrize("verified", [False, True, "true", None])
async def test_lg67_an_address_links_nobody_whether_it_is_verified_or_not(
    there: Elsewhere, rp: RelyingParty, verified: Any
) -> None:
    upstream = await there.upstream(offers_linking=True, creates_accounts=NewAccounts.ON, trusts_email=True)
    victim = await there.provider.person()
    there.fake.lies.id_token = {"email": victim.user.email, "email_verified": verified}

    _, page = await there.sign_in(upstream, rp)

    assert page.name == "upstream-new"
    assert is_nobody(page)
    assert await links_of(there, victim) == 0


async def test_lg67_an_address_that_changes_at_the_provider_changes_nothing_here(
    there: Elsewhere, rp: RelyingParty
) -> None:
    upstream = await there.upstream()
    mine, victim = await there.provider.person(), await there.provider.person()
    await there.linked(upstream, mine)
    there.fake.lies.id_token = {"email": victim.user.email, "email_verified": True}

    _, page = await there.sign_in(upstream, rp)

    tokens = await rp.redeem(rp.receive(page.answer()).code)
    assert (await rp.userinfo(tokens.access_token)).body["email"] == mine.user.email


async def test_lg67_a_username_that_somebody_else_took_over_leads_nowhere(there: Elsewhere, rp: RelyingParty) -> None:
    upstream, victim = await there.upstream(), await there.provider.person()
    await there.linked(upstream, victim, sub="the victim's own")
    there.fake.lies.id_token = {"preferred_username": victim.username, "name": victim.username}

    _, page = await there.sign_in(upstream, rp)

    assert page.name == "upstream-new"
    assert is_nobody(page)


async def test_lg67_the_same_subject_at_another_provider_is_somebody_else(there: Elsewhere, rp: RelyingParty) -> None:
    first, second = await there.upstream(), await there.upstream()
    victim = await there.provider.person()
    await there.linked(first, victim)

    _, page = await there.sign_in(second, rp)

    assert page.name == "upstream-new"
    assert is_nobody(page)


async def test_lg67_an_issuer_that_was_replaced_does_not_inherit_the_people_of_the_old_one(
    there: Elsewhere, rp: RelyingParty
) -> None:
    upstream, victim = await there.upstream(issuer="https://old.example"), await there.provider.person()
    await there.linked(upstream, victim)
    async with there.provider.site.transactions.open(write=True) as stores:
        await stores.upstreams.save(replace(upstream, issuer=there.fake.issuer))

    _, page = await there.sign_in(upstream, rp)

    assert page.name == "upstream-new"


@pytest.mark.parametrize(
    "forged",
    [
        {"state": "forged"}, {"state": None}, {"state": ""}, {"code": None}, {"code": ""}, {"code": "x" * 5000},
        {"iss": "https://evil.example"}, {"iss": None}, {"state": "\u0000"},
        {"error": "access_denied\r\nset-cookie: a=b"},
    ],
)  # fmt: skip
async def test_lg67_forged_fields_of_an_answer_sign_nobody_in(
    there: Elsewhere, rp: RelyingParty, forged: dict[str, str | None]
) -> None:
    upstream, victim, browser = await there.upstream(), await there.provider.person(), there.provider.browser()
    await there.linked(upstream, victim)
    await ask(browser, rp)
    answer = await there.at(await there.leave(browser, upstream))

    page = await browser.open(changed(answer, **forged), came_from_elsewhere=True)

    assert page.status in (200, 400, 502), page.describe()
    assert page.location is None
    assert is_nobody(page)


async def test_lg67_a_field_that_comes_twice_is_refused(there: Elsewhere, rp: RelyingParty) -> None:
    upstream, browser = await there.upstream(), there.provider.browser()
    await ask(browser, rp)
    answer = await there.at(await there.leave(browser, upstream))

    page = await browser.open(f"{answer}&code=another", came_from_elsewhere=True)

    assert page.status == 400


async def test_lg67_a_code_that_the_provider_never_gave_signs_nobody_in(there: Elsewhere, rp: RelyingParty) -> None:
    upstream, browser = await there.upstream(), there.provider.browser()
    await ask(browser, rp)
    answer = await there.at(await there.leave(browser, upstream))

    page = await browser.open(changed(answer, code="injected"), came_from_elsewhere=True)

    assert page.status == 502
    assert is_nobody(page)


async def test_lg67_an_answer_of_one_browser_is_worth_nothing_in_another(there: Elsewhere, rp: RelyingParty) -> None:
    """Login CSRF: nobody is signed in to an attacker's account, and no attacker to a victim's."""
    upstream, victim = await there.upstream(), await there.provider.person()
    await there.linked(upstream, victim)
    mine, other = there.provider.browser(), there.provider.browser()
    await ask(mine, rp)
    await ask(other, rp)
    answer = await there.at(await there.leave(mine, upstream))

    page = await other.open(answer, came_from_elsewhere=True)
    assert page.status == 400
    assert is_nobody(page)

    page = await mine.open(answer, came_from_elsewhere=True)  # the attempt of the other browser spent nothing
    assert page.location is not None, page.describe()


async def test_lg67_states_that_were_swapped_between_browsers_sign_nobody_in(
    there: Elsewhere, rp: RelyingParty
) -> None:  # fmt: skip
    upstream, victim = await there.upstream(), await there.provider.person()
    await there.linked(upstream, victim)
    mine, other = there.provider.browser(), there.provider.browser()
    answers = []
    for browser in (mine, other):
        await ask(browser, rp)
        answers.append(await there.at(await there.leave(browser, upstream)))
    first, second = (parse_qs(urlsplit(each).query) for each in answers)

    page = await other.open(changed(answers[0], state=second["state"][0]), came_from_elsewhere=True)

    assert first["code"] != second["code"]
    assert page.status in (400, 502)  # the code was asked for with another verifier, and its token has another nonce
    assert is_nobody(page)


async def test_lg67_the_code_of_one_provider_is_worth_nothing_at_another(there: Elsewhere, rp: RelyingParty) -> None:
    """Mix-up (RFC 9700 §4.4): each provider has a redirect URI of its own, and `iss` is compared (RFC 9207)."""
    honest, evil = await there.upstream(), await there.upstream()
    victim, browser = await there.provider.person(), there.provider.browser()
    await there.linked(honest, victim)
    await ask(browser, rp)
    answer = await there.at(await there.leave(browser, honest))
    before = len(there.fake.requests)

    page = await browser.open(answer.replace(honest.id, evil.id), came_from_elsewhere=True)

    assert page.status == 400
    assert is_nobody(page)
    assert "/token" not in [path for path, _ in there.fake.requests[before:]]


async def test_lg67_an_issuer_that_is_not_named_though_it_was_announced_is_refused_before_a_code_leaves(
    there: Elsewhere, rp: RelyingParty
) -> None:
    """RFC 9207 §2.4."""
    upstream, victim = await there.upstream(), await there.provider.person()
    await there.linked(upstream, victim)
    before = len(there.fake.requests)
    there.fake.lies.authorization = {"iss": None}

    _, page = await there.sign_in(upstream, rp)

    assert page.status == 502
    assert "/token" not in [path for path, _ in there.fake.requests[before:]]


async def test_lg67_a_provider_that_never_announced_it_names_no_issuer(there: Elsewhere, rp: RelyingParty) -> None:
    upstream, person = await there.upstream(), await there.provider.person()
    await there.linked(upstream, person)
    there.fake.lies.metadata = {"authorization_response_iss_parameter_supported": None}
    there.fake.lies.authorization = {"iss": None}

    _, page = await there.sign_in(upstream, rp)

    assert page.location is not None, page.describe()


def _unsigned(claims: dict[str, Any], **header: str) -> str:
    parts = [json.dumps(each).encode() for each in ({"alg": "none", **header}, claims)]
    return ".".join([*(base64.urlsafe_b64encode(each).decode().rstrip("=") for each in parts), ""])


def _by_hmac(claims: dict[str, Any], secret: bytes) -> str:
    """Sign with a public key as if it were a secret: the library does not, so it is done by hand."""
    signing_input = _unsigned(claims, alg="HS256", kid="fake").rstrip(".")
    signature = base64.urlsafe_b64encode(hmac.digest(secret, signing_input.encode(), "sha256"))
    return f"{signing_input}.{signature.decode().rstrip('=')}"


def _claims(there: Elsewhere, asked: dict[str, Any]) -> dict[str, Any]:
    now = int(there.provider.clock.timestamp())
    return {
        "iss": there.fake.issuer, "sub": there.fake.person["sub"], "aud": "us", "iat": now, "exp": now + 300,
        "nonce": asked["nonce"],
    }  # fmt: skip


@pytest.mark.parametrize(
    "alg", ["none", "None", "NONE", "HS256", "HS256 with the secret", "a key of its own", "RS256 of another type"]
)
async def test_lg67_a_token_signed_by_no_key_of_the_provider_signs_nobody_in(
    there: Elsewhere, rp: RelyingParty, alg: str
) -> None:
    """RFC 8725 §2.1, §3.1: the algorithm is ours to choose, and a public key is no secret."""
    upstream, victim, browser = await there.upstream(), await there.provider.person(), there.provider.browser()
    await there.linked(upstream, victim)
    await ask(browser, rp)
    url = await there.leave(browser, upstream)
    claims = _claims(there, {"nonce": parse_qs(urlsplit(url).query)["nonce"][0]})
    key = there.fake._key
    if alg.lower() == "none":
        token = _unsigned(claims, alg=alg)
    elif alg == "HS256":
        token = _by_hmac(claims, key.as_pem(private=False))
    elif alg == "HS256 with the secret":
        token = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(str(upstream.client_secret)))
    elif alg == "a key of its own":
        own = RSAKey.generate_key(2048)
        token = jwt.encode({"alg": "RS256", "jwk": own.as_dict(private=False)}, claims, own)
    else:
        token = jwt.encode({"alg": "RS256", "kid": "fake"}, claims, RSAKey.generate_key(2048))
    there.fake.lies.tokens = {"id_token": token}

    page = await browser.open(await there.at(url), came_from_elsewhere=True)

    assert page.status == 502, page.describe()
    assert is_nobody(page)


async def test_lg67_a_form_from_elsewhere_sends_nobody_away(there: Elsewhere, rp: RelyingParty) -> None:
    upstream, browser = await there.upstream(), there.provider.browser()
    page = await ask(browser, rp)
    interaction = page.url.split("/")[-1]

    page = await browser.post_from_elsewhere(
        f"{there.provider.issuer}/upstream/{interaction}/go", {"upstream": upstream.id}
    )

    assert page.status in (400, 403)
    assert "upstream-continue" not in page.document.attributes


async def test_lg67_a_form_from_elsewhere_links_nothing(there: Elsewhere, rp: RelyingParty) -> None:
    upstream, victim = await there.upstream(), await there.provider.person()
    browser = there.provider.browser(victim)
    await browser.open(f"{there.provider.issuer}/account/security/sign-ins")
    await browser.sign_in()

    page = await browser.post_from_elsewhere(
        f"{there.provider.issuer}/account/security/sign-ins", {"upstream": upstream.id}
    )

    assert page.status == 403
    assert await links_of(there, victim) == 0


async def test_lg67_whoever_waits_to_be_linked_is_linked_to_nobody_who_does_not_say_so(
    there: Elsewhere, rp: RelyingParty
) -> None:
    """An attacker leaves a browser with an identity that waits; the next person signs in there."""
    upstream, victim = await there.upstream(offers_linking=True), await there.provider.person()
    there.fake.lies.id_token = {"email": "mallory@elsewhere.example"}
    browser, _ = await there.sign_in(upstream, rp)
    browser.username, browser.password = victim.username, victim.password
    await browser.submit("upstream-link")

    page = await browser.sign_in()

    assert page.name == "upstream-link"
    assert "mallory" in page.response.text
    page = await browser.submit("link-no")
    assert await links_of(there, victim) == 0


async def test_lg67_a_name_at_the_provider_is_shown_and_nothing_more(there: Elsewhere, rp: RelyingParty) -> None:
    upstream = await there.upstream(offers_linking=True)
    there.fake.lies.id_token = {"preferred_username": "<script>alert(1)</script>\u202egnp.exe\n" + "x" * 5000}

    _, page = await there.sign_in(upstream, rp)

    assert page.name == "upstream-new"
    assert "<script>alert" not in page.response.text
    assert "\u202e" not in page.response.text
    assert "x" * 200 not in page.response.text


async def test_lg67_a_provider_leads_to_no_inner_place(there: Elsewhere, rp: RelyingParty) -> None:
    """Only the guarded way out: an endpoint at an inner address is not asked (ASVS 13.2.4)."""
    upstream, browser = await there.upstream(), there.provider.browser()
    there.fake.lies.metadata = {"token_endpoint": "https://169.254.169.254/latest/"}
    await ask(browser, rp)

    page = await browser.submit(f"upstream-{upstream.id}")

    assert page.status == 502


async def test_lg67_a_provider_that_redirects_or_floods_is_not_followed(there: Elsewhere, rp: RelyingParty) -> None:
    answers = {
        "redirects": RedirectResponse("http://127.0.0.1:1/", 302),
        "floods": Response(b'{"issuer": "' + b"x" * 2_000_000 + b'"}', media_type="application/json"),
        "nests": Response(b"[" * 100_000, media_type="application/json"),
        "is html": Response(b"<html>", media_type="text/html"),
    }
    wished = ["redirects"]

    async def answer(_request: Request) -> Response:
        return answers[wished[0]]

    app = Starlette(routes=[Route("/.well-known/openid-configuration", answer)])
    async with served(app, there.spare):
        for wish in answers:
            wished[0] = wish
            upstream, browser = await there.upstream(issuer=there.spare_origin), there.provider.browser()
            await ask(browser, rp)
            page = await browser.submit(f"upstream-{upstream.id}")
            assert page.status == 502, wish

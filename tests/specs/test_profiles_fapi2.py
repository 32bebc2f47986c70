"""Client profiles, the column fapi2, row by row: what a client of high value must and may do (FAPI 2.0 §5.3, §5.4)."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from idp.domain.client import BadClient, Profile
from idp.policy import lifetimes
from tests.support.certificates import DN, certificate
from tests.support.financial import Bank, bank, financial_provider
from tests.support.html_browser import HtmlBrowser
from tests.support.jose import parts
from tests.support.provider import CALLBACK, HandClock, Provider
from tests.support.pushed import PUSHED, arrive
from tests.support.registrant import Registrant
from tests.support.relying_party import AuthorizationAnswer
from tests.support.resources import API, defined, resource

SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    """A provider where certificates are asked for."""
    async with financial_provider(tmp_path_factory.mktemp("profile")) as provider:
        yield provider


@pytest.fixture
async def client(provider: Provider) -> Bank:
    """A client of the profile."""
    return await bank(provider)


async def test_nobody_registers_for_it_oneself(anybody: Registrant) -> None:
    """Only an operator gives the profile, and no member asks for it."""
    said = await anybody.registered(profile="fapi2", token_endpoint_auth_method="client_secret_basic")

    assert "profile" not in said


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "client_secret_jwt", "none"])
async def test_it_proves_itself_by_a_key(provider: Provider, method: str) -> None:
    """FAPI 2.0 §5.3.2.1: by private_key_jwt or mutual TLS; a secret, or nothing at all, is refused."""
    with pytest.raises(BadClient, match="does not authenticate"):
        await provider.client(profile=Profile.FAPI2, method=method)


@pytest.mark.parametrize(
    ("method", "members"),
    [("tls_client_auth", {"tls_client_auth_subject_dn": DN}),
     ("self_signed_tls_client_auth", {"jwks": certificate().jwks()})],
    ids=["by its name", "by itself"],
)  # fmt: skip
async def test_it_may_prove_itself_by_a_certificate(provider: Provider, method: str, members: dict[str, Any]) -> None:
    """FAPI 2.0 §5.3.2.1."""
    assert (await provider.client(profile=Profile.FAPI2, method=method, **members)).client_id


@pytest.mark.parametrize(("seconds", "status"), [(330, 201), (331, 401)])
async def test_its_assertions_live_five_minutes(client: Bank, seconds: int, status: int) -> None:
    """RFC 10070 and the sheet of profiles: exp is at most five minutes ahead, with 30 s for clocks that differ."""
    wrong = client.asserting(exp=int(client.rp.now()) + seconds)

    assert (await client.push(auth=wrong)).status == status


@pytest.mark.parametrize(
    "member", ["token_endpoint_auth_signing_alg", "request_object_signing_alg", "id_token_signed_response_alg",
               "userinfo_signed_response_alg", "authorization_signed_response_alg", "introspection_signed_response_alg",
               "access_token_signed_response_alg"]
)  # fmt: skip
async def test_no_weaker_algorithm_is_registered(provider: Provider, member: str) -> None:
    """FAPI 2.0 §5.4.1: RS256 and HS256 are refused on either side, PS256 is not."""
    for alg in ("RS256", "HS256", "none"):
        with pytest.raises(BadClient):
            await bank(provider, **{member: alg})
    assert await bank(provider, jwks={"keys": [RSAKey.generate_key(2048).as_dict(private=False)]}, **{member: "PS256"})


@pytest.mark.parametrize("response_type", ["id_token", "code id_token", "id_token token"])
async def test_it_has_the_code_flow_alone(provider: Provider, response_type: str) -> None:
    """FAPI 2.0 §5.3.2.2, whatever else is switched on."""
    grants = ["authorization_code", "implicit"]
    with pytest.raises(BadClient):
        await bank(provider, response_types=["code", response_type], grant_types=grants)


@pytest.mark.parametrize("mode", ["query", "form_post", "jwt", "query.jwt", "form_post.jwt"])
async def test_its_answers_come_in_a_query_or_a_form(client: Bank, browser: HtmlBrowser, mode: str) -> None:
    """Plain, or as a JWT (JARM)."""
    assert (await client.redeem(await client.authorize(browser, response_mode=mode))).status == 200


@pytest.mark.parametrize("mode", ["fragment", "fragment.jwt"])
async def test_no_answer_comes_in_a_fragment(client: Bank, mode: str) -> None:
    """There it would be for scripts."""
    answer = await client.push(response_mode=mode)

    assert (answer.status, answer.error) == (400, "invalid_request")


async def test_an_object_by_the_browser_is_refused(client: Bank, provider: Provider, browser: HtmlBrowser) -> None:
    """FAPI 2.0 §5.3.2.2: what is signed is pushed, too; by reference it is fetched from nowhere."""
    url = f"{client.rp.issuer}/authorize?client_id={client.rp.client_id}&response_type=code&redirect_uri={CALLBACK}"

    by_value = await browser.open(f"{url}&request={await client.object()}")
    by_reference = await browser.open(f"{url}&request_uri=https://rp.example/object")

    assert AuthorizationAnswer.from_url(by_value.location or "").error == "invalid_request"
    assert AuthorizationAnswer.from_url(by_reference.location or "").error == "request_uri_not_supported"
    with pytest.raises(BadClient, match="request_uris"):
        await bank(provider, request_uris=["https://rp.example/object"])


@pytest.mark.parametrize("uri", ["http://127.0.0.1:8080/cb", "http://localhost/cb", "com.example.app:/cb"])
async def test_its_redirect_uris_are_https(provider: Provider, uri: str) -> None:
    """FAPI 2.0 §5.3.2.2: no loopback host, no scheme of its own."""
    with pytest.raises(BadClient) as refused:
        await bank(provider, redirect_uris=[uri])

    assert refused.value.code == "invalid_redirect_uri"


@pytest.mark.parametrize("endpoint", ["token_endpoint", PUSHED, "userinfo_endpoint"])
async def test_its_proofs_carry_our_nonce(client: Bank, browser: HtmlBrowser, endpoint: str) -> None:
    """RFC 9449 §8: everywhere; a proof without one is told which."""
    tokens = await client.tokens(browser, prompt="consent")
    client.changes = {"nonce": None}

    match endpoint:
        case "token_endpoint":
            answer = await client.refresh(tokens.body.get("refresh_token", ""))
        case "userinfo_endpoint":
            answer = await client.userinfo(tokens.access_token)
        case _:
            answer = await client.push()

    assert (answer.status, answer.error) == (401 if endpoint[0] == "u" else 400, "use_dpop_nonce")
    assert len(answer.headers["dpop-nonce"]) == 32


async def test_its_tokens_are_jwts_bound_to_its_key(client: Bank, provider: Provider, browser: HtmlBrowser) -> None:
    """FAPI 2.0 §5.3.2.1: signed by ES256, five minutes long."""
    tokens = await client.tokens(browser)
    header, claims = parts(tokens.access_token)

    assert (header["typ"], header["alg"], claims["cnf"]) == ("at+jwt", "ES256", client.confirmation)
    assert claims["exp"] - claims["iat"] == 300
    with pytest.raises(BadClient, match="access tokens"):
        await bank(provider, access_token_signed_response_alg="EdDSA")


async def test_a_resource_that_wants_a_weaker_signature_is_not_for_it(provider: Provider, browser: HtmlBrowser) -> None:
    """FAPI 2.0 §5.4.1: no token for it, rather than one by RS256."""
    apis = [
        resource("https://old.example", "old.read", token_alg="RS256"),
        resource(API, "new.read", token_alg="PS256"),
    ]
    async with defined(provider, *(("resources", each) for each in apis)):
        client = await bank(provider, scope="openid old.read new.read", resources=["https://old.example", API])
        scope = "openid old.read new.read"
        code = await client.authorize(browser, scope=scope, resource="https://old.example")

        refused = await client.redeem(code)
        good = await client.tokens(browser, scope=scope, resource=API)

    assert (refused.status, refused.error) == (400, "invalid_target")
    assert parts(good.access_token)[0]["alg"] == "PS256"


async def test_its_id_tokens_are_signed_by_es256(client: Bank, provider: Provider, browser: HtmlBrowser) -> None:
    """FAPI 2.0 §5.4.1: unless PS256 or EdDSA is registered."""
    usual = await client.tokens(browser)
    other = await (await bank(provider, id_token_signed_response_alg="EdDSA")).tokens(browser)

    assert [parts(tokens.id_token)[0]["alg"] for tokens in (usual, other)] == ["ES256", "EdDSA"]


async def test_its_refresh_tokens_come_with_offline_access(client: Bank, browser: HtmlBrowser) -> None:
    """OIDC Core §11."""
    assert "refresh_token" not in (await client.tokens(browser, scope="openid")).body
    assert "refresh_token" in (await client.tokens(browser, scope="openid offline_access", prompt="consent")).body


async def test_its_refresh_token_stays_and_its_idle_limit_moves(
    client: Bank, browser: HtmlBrowser, clock: HandClock
) -> None:
    """FAPI 2.0 §5.3.2.1: no rotation; used in time it lives on, unused it ends."""
    token = (await client.tokens(browser, prompt="consent")).refresh_token

    for _ in range(3):
        clock.advance(lifetimes.REFRESH_IDLE - SECOND)
        answer = await client.refresh(token)
        assert answer.status == 200, answer.text
        assert answer.body.get("refresh_token", token) == token
    clock.advance(lifetimes.REFRESH_IDLE)
    late = await client.refresh(token)

    assert (late.status, late.error) == (400, "invalid_grant")


async def test_its_refresh_token_ends_all_the_same(client: Bank, browser: HtmlBrowser, clock: HandClock) -> None:
    """Ninety days are the most, however often it is used."""
    token = (await client.tokens(browser, prompt="consent")).refresh_token
    statuses = []
    for _ in range(9):
        clock.advance(lifetimes.REFRESH_ABSOLUTE / 9)
        statuses.append((await client.refresh(token)).status)

    assert statuses == [200] * 8 + [400]


async def test_an_operator_may_switch_rotation_on(provider: Provider, browser: HtmlBrowser, clock: HandClock) -> None:
    """FAPI 2.0 §5.3.2.1, to migrate: then with sixty seconds of grace, and reuse ends the family."""
    client = await bank(provider, rotate_refresh_tokens=True)
    first = (await client.tokens(browser, prompt="consent")).refresh_token

    second = (await client.refresh(first)).refresh_token
    clock.advance(timedelta(seconds=60))
    again = await client.refresh(first)
    clock.advance(SECOND)
    reused = await client.refresh(first)

    assert second != first
    assert again.refresh_token == second
    assert (reused.status, reused.error) == (400, "invalid_grant")
    assert (await client.refresh(second)).status == 400


async def test_its_consent_is_remembered(client: Bank, browser: HtmlBrowser) -> None:
    """Asked once for the same scopes; never a client that nobody vouched for."""
    first = await arrive(browser, client.rp, await client.reference(scope="openid"))
    assert first.name == "login"
    assert (await browser.sign_in()).name == "consent"
    await browser.submit("consent-allow")

    assert (await arrive(browser, client.rp, await client.reference(scope="openid"))).location is not None
    assert (await arrive(browser, client.rp, await client.reference(scope="openid email"))).name == "consent"

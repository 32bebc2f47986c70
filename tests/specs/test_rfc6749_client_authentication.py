"""Client authentication by secret or by nothing – RFC 6749 §2.3, OIDC Core §9, at every endpoint that asks."""

import base64
from datetime import timedelta

import pytest

from tests.support.client_auth import Assertion, Basic, ClientAuthentication, Post, Proof, Public
from tests.support.known_secret import client_of_secret
from tests.support.provider import HandClock, Provider
from tests.support.relying_party import Answer, RelyingParty

ENDPOINTS = ["token_endpoint", "introspection_endpoint", "revocation_endpoint"]
FIELDS = {"grant_type": "refresh_token", "refresh_token": "unknown", "token": "unknown"}
SECRET_LIFE = timedelta(hours=24)


def basic(pair: str, scheme: str = "Basic") -> Proof:
    """Return a Basic header that is encoded just so."""
    return Proof(headers={"Authorization": f"{scheme} {base64.b64encode(pair.encode()).decode()}"})


async def knock(rp: RelyingParty, endpoint: str, auth: ClientAuthentication | None = None) -> Answer:
    """Ask for something harmless as this client; whoever is let in gets no 401."""
    return await rp.post(endpoint, FIELDS, auth=auth)


def was_let_in(answer: Answer) -> bool:
    return answer.status == 200 or answer.error in ("invalid_grant", "unauthorized_client")


def secret_of(rp: RelyingParty) -> str:
    assert isinstance(rp.auth, Basic | Post)
    return rp.auth.secret


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "client_secret_jwt"])
async def test_a_client_proves_itself_by_its_registered_method(provider: Provider, endpoint: str, method: str) -> None:
    """RFC 6749 §2.3.1, OIDC Core §9."""
    rp = await provider.client(method=method)

    assert was_let_in(await knock(rp, endpoint))


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_another_method_than_the_registered_one_is_refused(provider: Provider, endpoint: str) -> None:
    """RFC 6749 §2.3: with the right secret too."""
    by_header, by_body = await provider.client(), await provider.client(method="client_secret_post")
    secrets = secret_of(by_header), secret_of(by_body)

    refused = [
        await knock(by_header, endpoint, Post(secrets[0])),
        await knock(by_body, endpoint, Basic(secrets[1])),
        await knock(by_header, endpoint, Assertion.with_secret(secrets[0], now=provider.clock.timestamp)),
        await knock(by_header, endpoint, Public()),
    ]

    assert {(answer.status, answer.error) for answer in refused} == {(401, "invalid_client")}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_two_methods_at_once_are_refused(rp: RelyingParty, endpoint: str) -> None:
    """RFC 6749 §2.3: not more than one in each request."""
    secret = secret_of(rp)
    both = Proof({"client_secret": secret}, Basic(secret).prove(rp.client_id, rp.issuer).headers)

    answer = await knock(rp, endpoint, both)

    assert (answer.status, answer.error) == (400, "invalid_request")


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_unknown_clients_and_wrong_secrets_look_alike(
    provider: Provider, rp: RelyingParty, endpoint: str
) -> None:
    """RFC 6749 §5.2: 401, and the challenge of the scheme that was used."""
    disabled, public = await provider.client(), await provider.client(method="none")
    await provider.site.clients.set_active(await provider.registration(disabled), is_active=False)
    doubtful = [
        await knock(rp, endpoint, Basic("wrong")),
        await knock(rp, endpoint, basic(f"nobody:{secret_of(rp)}")),
        await knock(rp, endpoint, basic(f"{public.client_id}:anything")),
        await knock(disabled, endpoint),
    ]

    assert {answer.text for answer in doubtful} == {doubtful[0].text}
    assert {(answer.status, answer.error) for answer in doubtful} == {(401, "invalid_client")}
    assert {answer.headers["www-authenticate"] for answer in doubtful} == {'Basic realm="token"'}
    assert {answer.headers["cache-control"] for answer in doubtful} == {"no-store"}


async def test_a_failure_in_the_body_brings_no_challenge(provider: Provider) -> None:
    """RFC 6749 §5.2: WWW-Authenticate answers the Authorization header only."""
    rp = await provider.client(method="client_secret_post")

    answer = await knock(rp, "token_endpoint", Post("wrong"))

    assert (answer.status, answer.error) == (401, "invalid_client")
    assert "www-authenticate" not in answer.headers


async def test_no_credentials_at_all_are_refused(rp: RelyingParty) -> None:
    """RFC 6749 §3.2.1."""
    answer = await knock(rp, "token_endpoint", Proof(headers={}))

    assert (answer.status, answer.error) == (401, "invalid_client")


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic ",
        "Basic !!!!",
        "Basic Zm9v",
        "Basic /////w==",
        "Bearer x",
        "Negotiate x",
        "Basic " + "QQ==" * 2000,
    ],
)
async def test_a_header_that_cannot_be_read_is_a_failed_proof(rp: RelyingParty, header: str) -> None:
    """RFC 7617 §2."""
    answer = await knock(rp, "token_endpoint", Proof(headers={"Authorization": header}))

    assert (answer.status, answer.error) == (401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic")


async def test_two_headers_prove_nothing(provider: Provider, rp: RelyingParty) -> None:
    """RFC 9110 §5.3, §11.6.2: Authorization stands once; of two, a proxy and we might each believe another."""
    other = await provider.client()
    headers = [
        (name, value) for each in (rp, other) for name, value in each.auth.prove(each.client_id, "").headers.items()
    ]

    response = await rp.http.post(f"{rp.issuer}/revoke", data={"token": "x"}, headers=headers)

    assert response.status_code == 401


async def test_both_halves_of_basic_are_form_decoded(provider: Provider) -> None:
    """RFC 6749 §2.3.1: client_id and secret are form-encoded before base64."""
    client = await client_of_secret(
        provider.site, "s:e c+r%t/ü~", "c~1", client_name="Old", redirect_uris=["https://rp.example/"]
    )
    rp = await provider.client()
    rp.client_id = client.id

    assert was_let_in(await knock(rp, "token_endpoint", Basic("s:e c+r%t/ü~")))
    assert was_let_in(await knock(rp, "token_endpoint", basic("c%7E1:s%3Ae+c%2Br%25t%2F%C3%BC~")))
    assert (await knock(rp, "token_endpoint", basic("c~1:s:e c+r%t/ü~"))).status == 401


async def test_the_scheme_is_read_without_case(rp: RelyingParty) -> None:
    """RFC 9110 §11.1."""
    assert was_let_in(await knock(rp, "token_endpoint", basic(f"{rp.client_id}:{secret_of(rp)}", "bAsIc")))


async def test_a_client_id_in_the_body_must_be_the_same(provider: Provider, rp: RelyingParty) -> None:
    """RFC 6749 §3.2.1."""
    other = await provider.client()
    proof = rp.auth.prove(rp.client_id, rp.issuer)

    same = await knock(rp, "token_endpoint", Proof({"client_id": rp.client_id}, proof.headers))
    differs = await knock(rp, "token_endpoint", Proof({"client_id": other.client_id}, proof.headers))

    assert was_let_in(same)
    assert (differs.status, differs.error) == (401, "invalid_client")


async def test_a_public_client_names_itself(provider: Provider) -> None:
    """RFC 6749 §3.2.1: client_id in the body; not at the introspection endpoint, where it would prove nothing."""
    public = await provider.client(method="none")

    assert was_let_in(await knock(public, "token_endpoint"))
    assert was_let_in(await knock(public, "revocation_endpoint"))
    assert (await knock(public, "introspection_endpoint")).status == 401


async def test_an_empty_secret_proves_nothing(provider: Provider) -> None:
    """RFC 6749 §2.3.1: a client with a secret does not come in without."""
    rp = await provider.client(method="client_secret_post")

    assert (await knock(rp, "token_endpoint", Post(""))).status == 401
    assert (await knock(rp, "token_endpoint", basic(f"{rp.client_id}:"))).status == 401


async def test_an_old_secret_works_for_a_day_beside_the_new_one(
    provider: Provider, rp: RelyingParty, clock: HandClock
) -> None:
    """RFC 7592 §2.2 lets secrets change; the overlap is ours, and at most 24 hours."""
    old = secret_of(rp)
    _, new = await provider.site.clients.rotate_secret(await provider.registration(rp))
    rp.auth = Basic(new)

    assert was_let_in(await knock(rp, "token_endpoint"))
    clock.advance(SECRET_LIFE - timedelta(seconds=1))
    assert was_let_in(await knock(rp, "token_endpoint", Basic(old)))
    clock.advance(timedelta(seconds=1))
    assert (await knock(rp, "token_endpoint", Basic(old))).status == 401
    assert was_let_in(await knock(rp, "token_endpoint"))


async def test_a_secret_before_the_last_is_dead_at_once(provider: Provider, rp: RelyingParty) -> None:
    """Two secrets overlap, never three."""
    first = secret_of(rp)
    for _ in range(2):
        await provider.site.clients.rotate_secret(await provider.registration(rp))

    assert (await knock(rp, "token_endpoint", Basic(first))).status == 401

"""Client credentials grant – RFC 6749 §4.4, RFC 9700 §4.15."""

from datetime import timedelta

import pytest
from joserfc.jwk import ECKey

from idp.domain.client import BadClient
from tests.support.provider import HandClock, Provider
from tests.support.relying_party import RelyingParty


@pytest.fixture
async def machine(provider: Provider) -> RelyingParty:
    """A client without people."""
    return await provider.client(
        grant_types=["client_credentials"], redirect_uris=None, scope="orders.read orders.write"
    )


async def test_a_client_gets_a_token_of_its_own(each_provider: Provider) -> None:
    """RFC 6749 §4.4.3: no refresh token; RFC 9068 §2.2: sub is the client itself. On both databases."""
    machine = await each_provider.client(grant_types=["client_credentials"], scope="orders.read", redirect_uris=None)

    answer = await machine.token(grant_type="client_credentials", scope="orders.read")

    claims = (await machine.decode(answer.access_token)).claims
    assert answer.body.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert (answer.body["token_type"], answer.body["expires_in"]) == ("Bearer", 300)
    assert (claims["sub"], claims["client_id"]) == (machine.client_id, machine.client_id)
    assert not claims.keys() & {"auth_time", "acr", "amr", "sid", "nonce"}


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        (None, "orders.read orders.write"),
        ("orders.write", "orders.write"),
        ("orders.write unknown orders.read", "orders.write orders.read"),
    ],
)
async def test_scopes_are_those_registered_and_asked(machine: RelyingParty, asked: str | None, granted: str) -> None:
    """RFC 6749 §3.3: what was dropped is told in the answer."""
    assert (await machine.token(grant_type="client_credentials", scope=asked)).body["scope"] == granted


@pytest.mark.parametrize("scope", ["openid", "orders.read email", "offline_access", "profile", "unknown"])
async def test_scopes_that_speak_of_a_person_are_refused(provider: Provider, scope: str) -> None:
    """OIDC Core §3.1.2.1: openid means that somebody signs in."""
    both = await provider.client(grant_types=["client_credentials", "authorization_code"], scope="openid orders.read")

    answer = await both.token(grant_type="client_credentials", scope=scope)

    assert (answer.status, answer.error) == (400, "invalid_scope")


async def test_a_default_scope_brings_no_person_along(provider: Provider) -> None:
    """RFC 6749 §3.3: what is the default where people sign in is none where nobody does."""
    both = await provider.client(
        grant_types=["client_credentials", "authorization_code"],
        scope="openid email orders.read orders.write",
        default_scope="openid email orders.read not.registered",
    )

    answer = await both.token(grant_type="client_credentials")

    assert answer.body["scope"] == "orders.read"


async def test_without_any_scope_none_is_told(provider: Provider) -> None:
    """RFC 6749 §3.3: a scope has at least one word, so an empty one is left out."""
    machine = await provider.client(grant_types=["client_credentials"], scope="openid")

    answer = await machine.token(grant_type="client_credentials")

    assert answer.status == 200
    assert "scope" not in answer.body


async def test_a_client_without_the_grant_is_refused(rp: RelyingParty) -> None:
    """RFC 6749 §5.2, unauthorized_client."""
    answer = await rp.token(grant_type="client_credentials")

    assert (answer.status, answer.error) == (400, "unauthorized_client")


async def test_no_public_client_can_be_registered_for_it(provider: Provider) -> None:
    """RFC 6749 §4.4: confidential clients only."""
    with pytest.raises(BadClient):
        await provider.client(method="none", grant_types=["client_credentials"])


async def test_no_client_can_bear_a_persons_id(provider: Provider) -> None:
    """RFC 9700 §4.15: sub of a client must never be taken for a person's."""
    person = await provider.person()

    with pytest.raises(BadClient):
        await provider.site.clients.create({"client_name": "Impostor"}, client_id=person.id)


async def test_a_key_proves_the_client_too(provider: Provider) -> None:
    """RFC 7523 §2.2."""
    machine = await provider.client(
        grant_types=["client_credentials"], method="private_key_jwt", key=ECKey.generate_key("P-256"), scope="a.b"
    )

    assert (await machine.token(grant_type="client_credentials")).status == 200


async def test_the_token_opens_no_person(machine: RelyingParty) -> None:
    """OIDC Core §5.3: without openid there is nobody to tell about."""
    answer = await machine.token(grant_type="client_credentials")

    assert (await machine.userinfo(answer.access_token)).status == 403


async def test_the_token_dies_with_its_time(machine: RelyingParty, clock: HandClock) -> None:
    """RFC 6749 §5.1, expires_in."""
    answer = await machine.token(grant_type="client_credentials")
    assert await machine.is_active(answer.access_token)

    clock.advance(timedelta(minutes=5))

    assert not await machine.is_active(answer.access_token)

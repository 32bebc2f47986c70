"""Signed authentication requests – CIBA §7.1.1: every parameter in one JWT, of the algorithm that was registered."""

import secrets
from typing import Any

import pytest
from joserfc.jwk import ECKey, Key, RSAKey

from tests.support.jose import forge
from tests.support.polled import Bank, bank
from tests.support.provider import HandClock, Person, Provider
from tests.support.relying_party import Answer

KEY = ECKey.generate_key("P-256", {"kid": "one"})
OTHER = ECKey.generate_key("P-256", {"kid": "one"})
RSA = RSAKey.generate_key(2048, {"kid": "one"})
HOUR = 3600


class Signer:
    """A client that signs what it asks."""

    def __init__(self, client: Bank, clock: HandClock, person: Person) -> None:
        self.client, self.clock, self.person = client, clock, person

    def object(self, *, key: Key | None = KEY, alg: str = "ES256", header: Any = None, **changes: Any) -> str:
        """Return a request object; `changes` replace claims, None removes one."""
        now = int(self.clock.timestamp())
        claims = {
            "iss": self.client.rp.client_id, "aud": self.client.rp.issuer, "jti": secrets.token_urlsafe(16),
            "iat": now, "nbf": now, "exp": now + 60, "scope": "openid", "login_hint": self.person.username,
        } | changes  # fmt: skip
        kept = {name: value for name, value in claims.items() if value is not None}
        return forge(header or {"alg": alg, "kid": "one"}, kept, key, alg)

    async def send(self, text: str, **fields: str | None) -> Answer:
        """Send a request object, and perhaps more beside it."""
        given = {"scope": None, "request": text, **fields}
        return await self.client.ask(**given)


@pytest.fixture
async def signer(provider: Provider, person: Person) -> Signer:
    """A client that registered ES256."""
    client = await bank(provider, key=KEY, backchannel_authentication_request_signing_alg="ES256")
    return Signer(client, provider.clock, person)


async def test_a_signed_request_asks_what_it_holds(signer: Signer) -> None:
    """CIBA §7.1.1."""
    answer = await signer.send(signer.object(requested_expiry=30, binding_message="W4SCT"))

    assert (answer.status, answer.body["expires_in"]) == (200, 30)
    again = await signer.send(
        signer.object(requested_expiry="40", aud=["https://other.example", signer.client.rp.issuer])
    )
    assert again.body["expires_in"] == 40


async def test_who_registered_to_sign_sends_nothing_unsigned(signer: Signer, person: Person) -> None:
    """CIBA §7.1.1."""
    assert (await signer.client.ask(person)).error == "invalid_request"
    for name, value in (("scope", "openid"), ("login_hint", person.username), ("binding_message", "x")):
        assert (await signer.send(signer.object(), **{name: value})).error == "invalid_request", name


async def test_who_did_not_register_to_sign_is_told_so(provider: Provider, signer: Signer, person: Person) -> None:
    """CIBA §7.1.1."""
    plain = await bank(provider, key=KEY)

    answer = await plain.ask(person, request=signer.object(iss=plain.rp.client_id))

    assert (answer.status, answer.error) == (400, "invalid_request")


@pytest.mark.parametrize(
    "changes",
    [
        {"key": OTHER}, {"key": RSA, "alg": "PS256"}, {"key": None, "header": {"alg": "none"}},
        {"key": b"x" * 32, "alg": "HS256"}, {"header": {"alg": "ES256", "kid": "two"}},
        {"header": {"alg": "ES256", "jwk": KEY.as_dict(private=False)}},
        {"header": {"alg": "ES256", "typ": "client-authentication+jwt"}}, {"header": {"alg": "ES256", "crit": ["exp"]}},
    ],
)  # fmt: skip
async def test_a_signature_of_another_key_or_algorithm_counts_for_nothing(
    signer: Signer, changes: dict[str, Any]
) -> None:
    """CIBA §7.1.1."""
    answer = await signer.send(signer.object(**changes))

    assert (answer.status, answer.error) == (400, "invalid_request")


@pytest.mark.parametrize("name", ["iss", "aud", "exp", "iat", "nbf", "jti"])
async def test_every_claim_of_the_list_is_required(signer: Signer, name: str) -> None:
    """CIBA §7.1.1."""
    assert (await signer.send(signer.object(**{name: None}))).error == "invalid_request"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "another"}, {"aud": "https://other.example"}, {"aud": ["https://other.example"]}, {"jti": ""},
        {"jti": 5}, {"jti": "x" * 257}, {"exp": "soon"}, {"iat": True}, {"scope": ["openid"]},
    ],
)  # fmt: skip
async def test_a_claim_that_is_wrong_is_refused(signer: Signer, changes: dict[str, Any]) -> None:
    """CIBA §7.1.1."""
    assert (await signer.send(signer.object(**changes))).error == "invalid_request"


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ({"exp": -59}, {"exp": -60}), ({"exp": HOUR}, {"exp": HOUR + 1}),
        ({"nbf": 30, "exp": 60}, {"nbf": 32, "exp": 60}), ({"iat": 30}, {"iat": 32}),
        ({"nbf": -HOUR + 2, "exp": 2}, {"nbf": -HOUR - 1, "exp": -1}),
    ],
)  # fmt: skip
async def test_times_count_to_the_second(signer: Signer, good: dict[str, int], bad: dict[str, int]) -> None:
    """CIBA §7.1.1."""
    now = int(signer.clock.timestamp())

    assert (await signer.send(signer.object(**{name: now + by for name, by in bad.items()}))).error == "invalid_request"
    assert (await signer.send(signer.object(**{name: now + by for name, by in good.items()}))).status == 200


async def test_a_request_is_accepted_once(signer: Signer) -> None:
    """CIBA §7.1.1."""
    text = signer.object()
    assert (await signer.send(text)).status == 200

    assert (await signer.send(text)).error == "invalid_request"


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "a.b.c.d.e", "." * 2, "x" * 20000])
async def test_what_is_no_jwt_is_refused(signer: Signer, text: str) -> None:
    """CIBA §7.1.1."""
    assert (await signer.send(text)).error == "invalid_request"

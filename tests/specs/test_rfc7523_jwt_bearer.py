"""RFC 7523 §2.1, §3: an assertion of a trusted issuer gets a token, once, for what the person allowed."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from joserfc.jwk import ECKey, Key, KeySet, RSAKey

from idp.domain.consent import Consent
from idp.domain.exchange import JWT_BEARER
from idp.domain.secret import make_id
from idp.domain.user import UserStatus
from tests.support.hosted import Hosted
from tests.support.jose import forge
from tests.support.provider import MINUTE, SECOND, Person, Provider
from tests.support.relying_party import Answer, RelyingParty
from tests.support.resources import API, define, defined, resource

THEIRS = "https://their.example"
SCOPE = "openid profile reports invoices.read"
KEY = ECKey.generate_key("P-256", {"kid": "k1"})
OTHER = ECKey.generate_key("P-256", {"kid": "k1"})


@pytest.fixture(scope="module", autouse=True)
async def apis(provider: Provider) -> AsyncIterator[None]:
    async with defined(provider, ("resources", resource(API, "invoices.read"))):
        yield


@pytest.fixture
async def client(provider: Provider) -> RelyingParty:
    """A first-party client that may present assertions; the issuer is named after it."""
    return await trusting(provider, is_first_party=True)


async def trusting(provider: Provider, *, is_first_party: bool = False, **issuer: Any) -> RelyingParty:
    """Return a client for which an issuer is trusted: the one at its own name."""
    client = await provider.client(
        grant_types=[JWT_BEARER], redirect_uris=None, scope=SCOPE, resources=[API], is_first_party=is_first_party
    )
    usual: dict[str, Any] = {"clients": [client.client_id], "scopes": ["openid", "reports", "invoices.read"]}
    if "jwks_uri" not in issuer:
        usual["jwks"] = KeySet([KEY]).as_dict(private=False)
    await define(provider, "assertion_issuers", issuer=f"{THEIRS}/{client.client_id}", **{**usual, **issuer})
    await provider.settle()
    return client


def assertion(client: RelyingParty, subject: str, *, key: Key = KEY, header: Any = None, **claims: Any) -> str:
    """Return an assertion of the client's issuer about somebody; a claim that is None is left out."""
    now = int(client.now())
    said = {
        "iss": f"{THEIRS}/{client.client_id}", "sub": subject, "aud": client.issuer, "iat": now, "exp": now + 60,
        "jti": make_id(),
    } | claims  # fmt: skip
    return forge(
        header or {"alg": "ES256", "kid": "k1"}, {name: value for name, value in said.items() if value is not None},
        key, "ES256",
    )  # fmt: skip


async def present(client: RelyingParty, text: str, **changes: str | None) -> Answer:
    return await client.token(**{"grant_type": JWT_BEARER, "assertion": text, **changes})


async def test_an_assertion_gets_an_access_token_for_the_person_and_nothing_else(
    client: RelyingParty, person: Person
) -> None:
    """RFC 7523 §2.1, RFC 7521 §4.1."""
    tokens = await present(client, assertion(client, person.id))
    assert tokens.status == 200, tokens.text
    assert not {"refresh_token", "id_token"} & tokens.body.keys()
    said = (await client.decode(tokens.access_token)).claims
    assert (said["sub"], said["client_id"], said["scope"]) == (person.id, client.client_id, "openid reports")
    assert not {"acr", "amr", "auth_time"} & said.keys()  # nobody signed in
    assert await client.is_active(tokens.access_token)


async def test_a_token_can_be_for_a_resource(client: RelyingParty, person: Person) -> None:
    """RFC 8707 §2.2."""
    tokens = await present(client, assertion(client, person.id), resource=API)
    said = (await client.decode(tokens.access_token)).claims
    assert (said["aud"], said["scope"]) == (API, "invoices.read")
    other = await present(client, assertion(client, person.id), resource="https://unknown.example")
    assert other.error == "invalid_target"


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://nobody.example"},
        {"iss": None},
        {"sub": None},
        {"sub": "nobody"},
        {"sub": 5},
        {"aud": "https://other.example"},
        {"aud": None},
        {"jti": None},
        {"jti": ""},
        {"jti": 5},
        {"exp": None},
        {"exp": "soon"},
    ],
)
async def test_an_assertion_that_lacks_or_garbles_a_claim_is_refused(
    client: RelyingParty, person: Person, claims: dict[str, Any]
) -> None:
    """RFC 7523 §3."""
    refused = await present(client, assertion(client, person.id, **claims))
    assert (refused.status, refused.error) == (400, "invalid_grant")


async def test_the_audience_is_one_string(client: RelyingParty, person: Person) -> None:
    """RFC 7523 §3 item 3; stricter."""
    for audience in ([client.issuer], f"{client.issuer}/token"):
        assert (await present(client, assertion(client, person.id, aud=audience))).error == "invalid_grant"


@pytest.mark.parametrize(("ahead", "status"), [(-61, 400), (-59, 200), (300, 200), (330, 200), (332, 400)], ids=str)
async def test_an_assertion_ends_within_five_minutes(
    client: RelyingParty, person: Person, ahead: int, status: int
) -> None:
    """RFC 7523 §3 item 4; on both sides of each limit."""
    text = assertion(client, person.id, exp=int(client.now()) + ahead, iat=None)
    assert (await present(client, text)).status == status


@pytest.mark.parametrize("name", ["iat", "nbf"])
async def test_an_assertion_from_the_future_is_refused(client: RelyingParty, person: Person, name: str) -> None:
    """RFC 7523 §3 items 5 and 6."""
    now = int(client.now())
    assert (await present(client, assertion(client, person.id, **{name: now + 32}))).error == "invalid_grant"
    assert (await present(client, assertion(client, person.id, **{name: now + 29}))).status == 200


async def test_an_assertion_is_used_once(client: RelyingParty, person: Person) -> None:
    """RFC 7523 §3 item 7."""
    text = assertion(client, person.id)
    assert (await present(client, text)).status == 200
    assert (await present(client, text)).error == "invalid_grant"


async def test_a_refused_request_spends_no_assertion(client: RelyingParty, person: Person) -> None:
    """RFC 7523 §3 item 7: only a use spends it."""
    text = assertion(client, person.id)
    assert (await present(client, text, scope="profile")).error == "invalid_scope"
    assert (await present(client, text, scope="reports")).status == 200


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"}, {"alg": "ES256", "kid": "k1", "typ": "at+jwt"}, {"alg": "ES256", "jku": "https://x.example"},
        {"alg": "ES256", "jwk": {}}, {"alg": "ES256", "kid": "other"}, {"alg": "RS256", "kid": "k1"},
    ],
)  # fmt: skip
async def test_a_header_that_names_another_key_or_purpose_is_refused(
    client: RelyingParty, person: Person, header: dict[str, Any]
) -> None:
    """RFC 7523 §3 item 9, RFC 8725 §3."""
    assert (await present(client, assertion(client, person.id, header=header))).error == "invalid_grant"


async def test_a_signature_by_another_key_is_refused(client: RelyingParty, person: Person) -> None:
    """RFC 7523 §3 item 9."""
    assert (await present(client, assertion(client, person.id, key=OTHER))).error == "invalid_grant"
    assert (await present(client, "nonsense")).error == "invalid_grant"
    assert (await present(client, assertion(client, person.id), assertion=None)).error == "invalid_request"


async def test_an_issuer_is_trusted_for_the_clients_that_were_named(provider: Provider, person: Person) -> None:
    """RFC 7521 §8.1."""
    one, other = await trusting(provider, is_first_party=True), await trusting(provider, is_first_party=True)
    assert (await present(one, assertion(other, person.id))).error == "invalid_grant"


async def test_an_algorithm_that_the_operator_did_not_name_is_refused(provider: Provider, person: Person) -> None:
    """RFC 8725 §3.1."""
    rsa = RSAKey.generate_key(2048, {"kid": "r1"})
    keys = KeySet([KEY, rsa]).as_dict(private=False)
    client = await trusting(provider, is_first_party=True, jwks=keys)
    said = {
        "iss": f"{THEIRS}/{client.client_id}", "sub": person.id, "aud": client.issuer,
        "exp": int(client.now()) + 60, "jti": "1",
    }  # fmt: skip
    assert (await present(client, forge({"alg": "RS256", "kid": "r1"}, said, rsa, "RS256"))).error == "invalid_grant"


async def test_a_person_can_be_named_by_address_or_username(provider: Provider, person: Person) -> None:
    """RFC 7523 §3 item 2."""
    by_mail = await trusting(provider, is_first_party=True, subject_claim="mail", subject_match="email")
    text = assertion(by_mail, "whoever", mail=(person.user.email or "").upper())
    assert (await present(by_mail, text)).status == 200
    assert (await present(by_mail, assertion(by_mail, person.id))).error == "invalid_grant"
    assert (await present(by_mail, assertion(by_mail, "x", mail=person.username))).error == "invalid_grant"
    by_name = await trusting(provider, is_first_party=True, subject_match="username")
    assert (await present(by_name, assertion(by_name, person.username))).status == 200
    assert (await present(by_name, assertion(by_name, person.user.email or ""))).error == "invalid_grant"


async def test_an_address_that_nobody_proved_names_nobody(provider: Provider) -> None:
    """RFC 7523 §3 item 2."""
    unproved = await provider.person(email_verified=False)
    client = await trusting(provider, is_first_party=True, subject_match="email")
    assert (await present(client, assertion(client, unproved.user.email or ""))).error == "invalid_grant"


async def test_a_person_who_is_disabled_gets_nothing_and_keeps_nothing(
    provider: Provider, client: RelyingParty, person: Person
) -> None:
    """RFC 7521 §4.1: the subject must be authorized now."""
    tokens = await present(client, assertion(client, person.id))
    await provider.site.users.set_status(person.user, UserStatus.DISABLED)
    assert not await client.is_active(tokens.access_token)
    assert (await present(client, assertion(client, person.id))).error == "invalid_grant"


async def test_a_client_that_is_not_first_party_gets_what_the_person_allowed(
    provider: Provider, person: Person
) -> None:
    """RFC 7521 §4.1: consent counts as it does everywhere."""
    client = await trusting(provider)
    assert (await present(client, assertion(client, person.id))).error == "invalid_grant"
    async with provider.site.transactions.open(write=True) as stores:
        consent = Consent(person.id, client.client_id, frozenset({"openid"}), frozenset())
        await stores.consents.save(consent, provider.clock.now())
    tokens = await present(client, assertion(client, person.id))
    assert tokens.body["scope"] == "openid"
    assert (await present(client, assertion(client, person.id), scope="reports")).error == "invalid_grant"
    assert (await present(client, assertion(client, person.id), resource=API)).error == "invalid_grant"


async def test_the_token_ends_with_its_time_and_with_the_persons_consent(
    provider: Provider, client: RelyingParty, person: Person
) -> None:
    """RFC 7521 §4.1; on both sides of the limit."""
    tokens = await present(client, assertion(client, person.id))
    async with provider.site.transactions.open(write=True) as stores:
        await stores.grants.revoke_of_user(person.id, provider.clock.now(), client_id=client.client_id)
    assert not await client.is_active(tokens.access_token)
    again = await present(client, assertion(client, person.id))
    provider.clock.advance(5 * MINUTE - SECOND)
    assert await client.is_active(again.access_token)
    provider.clock.advance(SECOND)
    assert not await client.is_active(again.access_token)


async def test_a_client_without_the_grant_is_unauthorized(provider: Provider, rp: RelyingParty) -> None:
    """RFC 6749 §5.2."""
    assert (await present(rp, "x.y.z")).error == "unauthorized_client"


async def test_of_two_uses_at_once_one_counts(client: RelyingParty, person: Person) -> None:
    """RFC 7523 §3 item 7."""
    text = assertion(client, person.id)
    answers = await asyncio.gather(*(present(client, text) for _ in range(4)))
    assert sorted(answer.status for answer in answers) == [200, 400, 400, 400]


async def test_keys_of_an_issuer_are_fetched_from_where_the_operator_said(
    open_provider: Provider, website: Hosted
) -> None:
    """RFC 7523 §3 item 9, RFC 7517 §5: never from where the assertion says."""
    person = await open_provider.person()
    url = website.put("/their-keys", json.dumps(KeySet([KEY]).as_dict(private=False)).encode())
    client = await trusting(open_provider, is_first_party=True, jwks_uri=url)
    assert (await present(client, assertion(client, person.id))).status == 200
    website.asked.clear()
    stranger = assertion(client, person.id, iss=url)
    assert (await present(client, stranger)).error == "invalid_grant"
    assert website.asked == []

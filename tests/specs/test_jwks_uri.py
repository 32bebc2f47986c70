"""Clients that keep their keys themselves – RFC 7591 §2 jwks_uri, OIDC Core §10.1.1."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from joserfc.jwk import ECKey, KeySet, OctKey

from tests.support.client_auth import Assertion
from tests.support.hosted import Hosted
from tests.support.provider import Provider
from tests.support.registrant import Registrant
from tests.support.relying_party import RelyingParty

MINUTE = timedelta(minutes=1)
OLD, NEW = (ECKey.generate_key("P-256", {"kid": kid, "alg": "ES256"}) for kid in ("old", "new"))


def publish(website: Hosted, *keys: ECKey, path: str = "/jwks") -> str:
    """Serve a set of keys."""
    return website.put(path, json.dumps(KeySet([*keys]).as_dict(private=False)).encode())


@pytest.fixture
async def keyed(open_provider: Provider, anybody: Registrant, website: Hosted) -> AsyncIterator[RelyingParty]:
    """A client whose keys are at its own web server, the old one for now; forgotten by the server afterwards."""
    url = publish(website, OLD)
    said = await anybody.registered(token_endpoint_auth_method="private_key_jwt", jwks_uri=url)
    auth = Assertion(OLD, "ES256", now=open_provider.clock.timestamp)
    rp = RelyingParty(open_provider.http, open_provider.issuer, said["client_id"], auth, "https://rp.example/callback",
                      now=open_provider.clock.timestamp)  # fmt: skip
    website.asked.clear()
    yield rp
    website.down = False


async def passes(rp: RelyingParty, key: ECKey = OLD) -> bool:
    """Say whether the client proves itself by a key."""
    auth = Assertion(key, "ES256", now=rp.now)
    return (await rp.post("revocation_endpoint", {"token": "x"}, auth=auth)).status == 200


async def test_a_client_proves_itself_by_a_key_that_is_fetched(keyed: RelyingParty, website: Hosted) -> None:
    """RFC 7523 §3; fetched at its first use, not at registration, and kept."""
    assert await passes(keyed)
    assert await passes(keyed)
    assert website.asked == ["/jwks"]


async def test_no_other_key_counts(keyed: RelyingParty) -> None:
    """RFC 7523 §3."""
    assert not await passes(keyed, ECKey.generate_key("P-256", {"kid": "old", "alg": "ES256"}))
    assert not await passes(keyed, NEW)


async def test_a_new_key_is_found_a_minute_after_the_last_look(
    open_provider: Provider, keyed: RelyingParty, website: Hosted
) -> None:
    """OIDC Core §10.1.1: an unknown kid has the set fetched again, at most once a minute."""
    assert await passes(keyed)
    publish(website, OLD, NEW)

    open_provider.clock.advance(MINUTE - timedelta(microseconds=1))
    assert not await passes(keyed, NEW)
    open_provider.clock.advance(timedelta(microseconds=1))
    assert await passes(keyed, NEW)
    assert await passes(keyed, OLD)
    assert website.asked == ["/jwks"] * 2


async def test_a_key_that_was_withdrawn_ends_after_ten_minutes(
    open_provider: Provider, keyed: RelyingParty, website: Hosted
) -> None:
    """OIDC Core §10.1.1: the set is fetched anew when it is ten minutes old."""
    assert await passes(keyed)
    publish(website, NEW)

    open_provider.clock.advance(10 * MINUTE - timedelta(microseconds=1))
    assert await passes(keyed)
    open_provider.clock.advance(timedelta(microseconds=1))
    assert not await passes(keyed)


async def test_while_the_host_is_down_the_last_set_counts_for_an_hour(
    open_provider: Provider, keyed: RelyingParty, website: Hosted
) -> None:
    """Case DR17: no longer, and again when the host is back."""
    assert await passes(keyed)
    website.down = True

    open_provider.clock.advance(60 * MINUTE - timedelta(microseconds=1))
    assert await passes(keyed)
    open_provider.clock.advance(timedelta(microseconds=1))
    assert not await passes(keyed)
    website.down = False
    open_provider.clock.advance(MINUTE)
    assert await passes(keyed)


async def test_a_flood_of_unknown_kids_fetches_once(keyed: RelyingParty, website: Hosted) -> None:
    """Case DR17: at most once a minute, however many ask at once."""
    keys = [ECKey.generate_key("P-256", {"kid": f"k{number}", "alg": "ES256"}) for number in range(20)]

    assert not any(await asyncio.gather(*(passes(keyed, key) for key in keys)))
    assert website.asked == ["/jwks"]
    assert await passes(keyed)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"keys":[]}', b'{"keys":{}}', b'{"keys":[1,{}]}', b"\xff"])
async def test_what_is_no_key_set_changes_nothing(
    open_provider: Provider, keyed: RelyingParty, website: Hosted, body: bytes
) -> None:
    """RFC 7517 §5: the last good set counts on."""
    assert await passes(keyed)
    website.put("/jwks", body)
    open_provider.clock.advance(10 * MINUTE)

    assert await passes(keyed)


async def test_keys_that_are_not_for_us_are_passed_over(keyed: RelyingParty, website: Hosted) -> None:
    """RFC 7517 §5: unknown, private and shared keys beside a good one are ignored."""
    strange = [
        {"kty": "new"}, OctKey.generate_key(256).as_dict(), ECKey.generate_key("P-256").as_dict(private=True),
        OLD.as_dict(private=False),
    ]  # fmt: skip
    website.put("/jwks", json.dumps({"keys": strange}).encode(), "application/jwk-set+json")

    assert await passes(keyed)

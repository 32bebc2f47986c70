"""Software statements – RFC 7591 §2.3, §3.1.1, §3.2.1."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey, KeySet, OctKey

from tests.support.databases import fresh_database
from tests.support.jose import forge
from tests.support.provider import Provider
from tests.support.registrant import CALLBACK, Registrant

ISSUER = "https://software.example"
KEY = ECKey.generate_key("P-256", {"kid": "s"})
VOUCHED: dict[str, Any] = {"iss": ISSUER, "software_id": "4NRB1", "client_name": "Vouched", "redirect_uris": [CALLBACK]}


@pytest.fixture(scope="session")
async def trusting(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    """A provider whose operator trusts one issuer of statements; everybody may register."""
    folder = tmp_path_factory.mktemp("trusting")
    file = folder / "issuers.json"
    file.write_text(json.dumps({ISSUER: KeySet([KEY]).as_dict(private=False)}))
    settings = {"IDP_CLIENT_REGISTRATION": "open", "IDP_SOFTWARE_STATEMENT_ISSUERS": str(file)}
    async with (
        fresh_database("sqlite", folder) as url,
        Provider.running(folder, url, settings=settings) as provider,
    ):
        yield provider


@pytest.fixture
def vendor(trusting: Provider) -> Registrant:
    """Somebody who registers software that was vouched for."""
    return Registrant(trusting.http, trusting.issuer)


def statement(key: Any = KEY, alg: str = "ES256", header: dict[str, Any] | None = None, **claims: Any) -> str:
    """Return a software statement; a claim that is None is left out."""
    given = {name: value for name, value in {**VOUCHED, **claims}.items() if value is not None}
    return forge({"alg": alg, "kid": "s", **(header or {})}, given, key, alg)


async def test_what_a_trusted_issuer_says_wins_and_the_statement_comes_back(vendor: Registrant) -> None:
    """RFC 7591 §2.3, §3.2.1: its values count, the rest is the registrant's."""
    text = statement()
    said = await vendor.registered(
        software_statement=text, client_name="Mine", redirect_uris=["https://evil.example/"], contacts=["a@b.example"]
    )

    assert (said["client_name"], said["redirect_uris"], said["software_id"]) == ("Vouched", [CALLBACK], "4NRB1")
    assert said["contacts"] == ["a@b.example"]
    assert said["software_statement"] == text
    assert (await vendor.read(said)).body["software_statement"] == text


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"redirect_uris": ["http://evil.example/"]}, "invalid_redirect_uri"),
        ({"client_name": {}}, "invalid_client_metadata"),
        ({"userinfo_signed_response_alg": "none"}, "invalid_client_metadata"),
        ({"grant_types": ["client_credentials"]}, "invalid_client_metadata"),
    ],
)
async def test_what_a_trusted_issuer_says_is_validated_too(
    vendor: Registrant, claims: dict[str, Any], error: str
) -> None:
    """RFC 7591 §3.1.1."""
    answer = await vendor.register(software_statement=statement(**claims))

    assert (answer.status, answer.error) == (400, error)


async def test_no_statement_makes_an_operators_decision(trusting: Provider, vendor: Registrant) -> None:
    """RFC 7591 §2.3: profile, first party and audiences are no members, whoever says them."""
    said = await vendor.registered(
        software_statement=statement(profile="oidc", first_party=True, audiences=["https://api.example"], client_id="x")
    )
    client = await trusting.site.clients.find(said["client_id"])

    assert client is not None
    assert (client.profile, client.is_first_party, client.audiences) == ("oauth21", False, ())
    assert client.is_self_registered


@pytest.mark.parametrize("issuer", ["https://other.example", ISSUER + "/", "", None, 5, [ISSUER]])
async def test_an_issuer_that_is_not_trusted_is_unapproved(vendor: Registrant, issuer: Any) -> None:
    """RFC 7591 §3.2.2."""
    answer = await vendor.register(software_statement=statement(iss=issuer))

    assert (answer.status, answer.error) == (400, "unapproved_software_statement")


async def test_where_nobody_is_trusted_every_statement_is_unapproved(anybody: Registrant) -> None:
    """RFC 7591 §3.2.2."""
    assert (await anybody.register(software_statement=statement())).error == "unapproved_software_statement"


NOW = 1_893_553_445
BAD = {
    "no string": 5,
    "an object": {},
    "no token": "x",
    "empty": "",
    "unsigned": "eyJhbGciOiJub25lIn0.e30.",
    "another key": statement(ECKey.generate_key("P-256")),
    "a shared key": statement(OctKey.generate_key(256), "HS256"),
    "a broken signature": statement()[:-8] + "AAAAAAAA",
    "changed claims": ".".join([*statement(client_name="Changed").split(".")[:2], statement().split(".")[2]]),
    "an access token": statement(header={"typ": "at+jwt"}),
    "its own key": statement(header={"jwk": KEY.as_dict(private=False)}),
    "crit": statement(header={"crit": ["x"], "x": 1}),
    "a kid that is a number": statement(header={"kid": 5}),
    "expired": statement(exp=NOW - 3600),
    "not yet": statement(nbf=NOW * 2),
    "from the future": statement(iat=NOW * 2),
    "exp is text": statement(exp="tomorrow"),
    "exp is true": statement(exp=True),
    "for somebody else": statement(aud="https://other.example"),
    "too long": statement(x="y" * 20_000),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
async def test_a_statement_that_does_not_hold_is_invalid(vendor: Registrant, bad: Any) -> None:
    """RFC 7591 §3.2.2; RFC 8725 §3."""
    answer = await vendor.register(software_statement=bad)

    assert (answer.status, answer.error) == (400, "invalid_software_statement")


async def test_a_statement_may_be_meant_for_us_and_end_later(vendor: Registrant) -> None:
    """RFC 7519 §4.1."""
    for claims in ({"aud": vendor.issuer}, {"aud": ["https://x.example", vendor.issuer]}, {"exp": NOW * 2}):
        assert (await vendor.register(software_statement=statement(**claims))).status == 201


async def test_a_statement_is_repeated_in_every_update(trusting: Provider, vendor: Registrant) -> None:
    """RFC 7592 §2.2: or what was vouched for could be changed afterwards; the same one may have expired since."""
    text = statement(exp=int(trusting.clock.timestamp()) + 60)
    said = await vendor.registered(software_statement=text)
    trusting.clock.advance(timedelta(minutes=10))

    assert (await vendor.replace(said, client_name="Mine")).status == 400
    assert (await vendor.replace(said, software_statement=text)).status == 200
    assert (await vendor.register(software_statement=text)).error == "invalid_software_statement"
    assert (await vendor.replace(said, software_statement=statement(client_name="New"))).body["client_name"] == "New"
    assert (await vendor.replace(said, software_statement=statement(OctKey.generate_key(256), "HS256"))).status == 400

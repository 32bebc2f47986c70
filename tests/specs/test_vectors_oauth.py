"""Examples of RFC 9449 §4.1, §6.1, §7.1; RFC 8705 A; RFC 9101 §4, §5.1; RFC 9126 §2.1, sent as they stand.

The provider is the `server.example.com` of the examples, and it is the very second of their proof.
"""

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from idp_guard.dpop import ReplaysInMemory
from idp_guard.dpop import check as check_at_resource
from idp_guard.errors import Refused
from joserfc.jwk import ECKey

from idp.domain.client import Profile
from idp.oauth.binding import of_certificate
from tests.support.databases import fresh_database
from tests.support.dpop import ath, send
from tests.support.known_secret import client_of_secret
from tests.support.provider import Provider

ISSUED = 1562262616
CLIENT, SECRET = "s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw"
CALLBACK = "https://client.example.org/cb"
# RFC 9449 §4.1 (the key and a proof for the token endpoint), §6.1 (jkt), §7.1 (a proof for a resource, and ath)
HEADER = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJo"
    "RjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19"
)
AT_TOKEN = (
    f"{HEADER}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2Vu"
    "IiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
)
AT_RESOURCE = (
    f"{HEADER}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90"
    "ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9."
    "2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
)
PROVED = {
    "kty": "EC", "crv": "P-256", "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
    "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
}  # fmt: skip
JKT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
ACCESS_TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
ATH = "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
# RFC 8705 A: the certificate and the hash of it
CERTIFICATE = (
    "MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAxODEyMzcwOVoXDTIyMDUwMjEyMzcwOVowDzENMAsGA1UEAwwE"
    "bXRsczBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ/Au08/coZwxS7LfA4vOLS9WuneIXhbGG"
    "WvsDSb0tH6IxLm8wCgYIKoZIzj0EAwIDSQAwRgIhAP0RC1E+vwJD/D1AGHGzuri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOVbUlJSGQgjwD5vaUa"
    "KlLR50Q2DmFfQj1L+SY="
)
X5T = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0"
# RFC 9101 §4: a request object without an end, and the key that signed it
OBJECT_KEY = {
    "kty": "RSA", "kid": "k2bdc", "e": "AQAB",
    "n": "x5RbkAZkmpRxia65qRQ1wwSMSxQUnS7gcpVTV_cdHmfmG2ltd2yabEO9XadD8pJNZubINPpmgHh3J1aD9WRwS05ucmFq3CfFsluL"
         "t13_7oX5yDRSKX7poXmT_5ko8k4NJZPMAO8fPToDTH7kHYbONSE2FYa5GZ60CUsFhSonI-dcMDJ0Ary9lxIw5k2z4TAdARVWcS7s"
         "D07VhlMMshrwsPHBQgTatlkxyIHXbYdtak8fqvNAwr7OlVEvM_Ipf5OfmdB8Sd-wjzaBsyP4VhJKoi_qdgSzpC694XZeYPq45Sw-"
         "q51iFUlcOlTCI7z6jltUtnR6ySn6XDGFnzH5Fe5ypw",
}  # fmt: skip
OBJECT = (
    "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsyYmRjIn0.ewogICAgImlzcyI6ICJzNkJoZFJrcXQzIiwKICAgICJhdWQiOiAiaHR0cHM6Ly9zZXJ2ZXIuZXhh"
    "bXBsZS5jb20iLAogICAgInJlc3BvbnNlX3R5cGUiOiAiY29kZSBpZF90b2tlbiIsCiAgICAiY2xpZW50X2lkIjogInM2QmhkUmtxdDMiLAogICAgInJl"
    "ZGlyZWN0X3VyaSI6ICJodHRwczovL2NsaWVudC5leGFtcGxlLm9yZy9jYiIsCiAgICAic2NvcGUiOiAib3BlbmlkIiwKICAgICJzdGF0ZSI6ICJhZjBp"
    "ZmpzbGRraiIsCiAgICAibm9uY2UiOiAibi0wUzZfV3pBMk1qIiwKICAgICJtYXhfYWdlIjogODY0MDAKfQ."
    "Nsxa_18VUElVaPjqW_ToI1yrEJ67BgKb5xsuZRVqzGkfKrOIX7BCx0biSxYGmjK9KJPctH1OC0iQJwXu5YVY-vnW0_PLJb1C2HG-ztVzcnKZC2gE4i0v"
    "gQcpkUOCpW3SEYXnyWnKzuKzqSb1wAZALo5f89B_p6QA6j6JwBSRvdVsDPdulW8lKxGTbH82czCaQ50rLAg3EYLYaCb4ik4I1zGXE4fvim9FIMs8OCMm"
    "zwIB5S-ujFfzwFjoyuPEV4hJnoVUmXR_W9typPf846lGwA8h9G9oNTIuX8Ft2jfpnZdFmLg3_wr3Wa5q3a-lfbgF3S9H_8nN3j1i7tLR_5Nz-g"
)
# RFC 9126 §2.1: a request to push, and how its client proves itself
BASIC = "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3"
PUSHED = (
    "response_type=code&state=af0ifjsldkj&client_id=s6BhdRkqt3&redirect_uri=https%3A%2F%2Fclient.example.org%2Fcb"
    "&code_challenge=K2-ltc83acc4h0c9w6ESC_rEMTJ3bww-uCHaoeK1t8U&code_challenge_method=S256&scope=account-information"
)


@pytest.fixture(scope="module")
async def example(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    """The provider of the examples."""
    folder = tmp_path_factory.mktemp("example")
    settings = {"IDP_IMPLICIT_AND_HYBRID": "on"}
    began = datetime.fromtimestamp(ISSUED, UTC)
    async with (
        fresh_database("sqlite", folder) as url,
        Provider.running(folder, url, issuer="https://server.example.com", settings=settings, began=began) as provider,
    ):
        yield provider


async def test_the_proof_of_the_example_binds_a_token(example: Provider) -> None:
    """RFC 9449 §4.1, §5, §6.1: cnf.jkt as it is told there; used again it is refused."""
    rp = await example.client(grant_types=["client_credentials"], redirect_uris=None, scope="reports")

    bound = await send(rp, "token_endpoint", AT_TOKEN, grant_type="client_credentials")
    again = await send(rp, "token_endpoint", AT_TOKEN, grant_type="client_credentials")
    elsewhere = await send(rp, "token_endpoint", AT_RESOURCE, grant_type="client_credentials")

    assert (bound.status, bound.body["token_type"]) == (200, "DPoP"), bound.text
    assert (await rp.decode(bound.access_token)).claims["cnf"] == {"jkt": JKT}
    assert (await rp.introspect(bound.access_token)).body["cnf"] == {"jkt": JKT}
    assert [each.error for each in (again, elsewhere)] == ["invalid_dpop_proof"] * 2


def test_the_thumbprint_and_the_hash_of_the_example() -> None:
    """RFC 9449 §6.1, §7.1: jkt and ath."""
    assert ECKey.import_key(PROVED).thumbprint() == JKT
    assert ath(ACCESS_TOKEN) == ATH


async def test_the_proof_for_a_resource_opens_it_once(example: Provider) -> None:
    """RFC 9449 §7.1: by the guard that resource servers are given; for this token, key, method and address alone."""
    good = {
        "access_token": ACCESS_TOKEN, "thumbprint": JKT, "method": "GET",
        "url": "https://resource.example.org/protectedresource",
    }  # fmt: skip
    replays = ReplaysInMemory(now=example.clock.timestamp)
    for name, value in (("access_token", "other"), ("thumbprint", "other"), ("method", "POST"),
                        ("url", "https://server.example.com/protectedresource")):  # fmt: skip
        with pytest.raises(Refused):
            await check_at_resource(AT_RESOURCE, **good | {name: value}, replays=replays, now=ISSUED + 2)

    await check_at_resource(AT_RESOURCE, **good, replays=replays, now=ISSUED + 2)

    with pytest.raises(Refused):
        await check_at_resource(AT_RESOURCE, **good, replays=replays, now=ISSUED + 2)


def test_the_certificate_of_the_example_has_its_thumbprint() -> None:
    """RFC 8705 §3.1, A."""
    assert of_certificate(base64.b64decode(CERTIFICATE)).as_claim() == {"x5t#S256": X5T}


@pytest.fixture(scope="module")
async def known(example: Provider) -> str:
    """The client of the examples; its object has no end, so it is of profile `oidc`."""
    made = await client_of_secret(
        example.site, SECRET, CLIENT, profile=Profile.OIDC, client_name="Example", redirect_uris=[CALLBACK],
        grant_types=["authorization_code", "implicit"], response_types=["code", "code id_token"],
        scope="openid account-information", jwks={"keys": [OBJECT_KEY]},
    )  # fmt: skip
    await example.settle()
    return made.id


async def test_the_request_object_of_the_example_is_taken_and_no_changed_one(example: Provider, known: str) -> None:
    """RFC 9101 §4, §5.1, §6.2: its signature is checked."""
    head, body, signature = OBJECT.split(".")
    given = {"client_id": known, "redirect_uri": CALLBACK}
    url = f"{example.issuer}/authorize"

    taken = await example.http.get(url, params={"client_id": known, "request": OBJECT})
    changed = await example.http.get(url, params={**given, "request": f"{head}.{body}.A{signature[1:]}"})

    assert (taken.status_code, urlsplit(taken.headers["location"]).path.split("/")[1]) == (303, "login")
    told = urlsplit(changed.headers["location"])
    assert parse_qs(told.query or told.fragment)["error"] == ["invalid_request_object"]


async def test_the_pushed_request_of_the_example_gets_a_reference(example: Provider, known: str) -> None:
    """RFC 9126 §2.1, §2.2, §4: its client proves itself in the header; the reference opens the sign-in page."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    url = f"{example.issuer}/par"

    alone = await example.http.post(url, content=PUSHED, headers=headers)
    pushed = await example.http.post(url, content=PUSHED, headers={**headers, "Authorization": BASIC})

    assert alone.status_code == 401
    assert (pushed.status_code, pushed.headers["cache-control"]) == (201, "no-store"), pushed.text
    assert pushed.json().keys() == {"request_uri", "expires_in"}
    reference = {"client_id": known, "request_uri": pushed.json()["request_uri"]}
    begun = await example.http.get(f"{example.issuer}/authorize", params=reference)
    assert urlsplit(begun.headers["location"]).path.split("/")[1] == "login"

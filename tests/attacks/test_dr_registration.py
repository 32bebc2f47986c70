"""DR: whoever registers clients to reach inside, to loosen what holds for them, or to flood."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from joserfc.jwk import ECKey

from idp.domain.client import BadClient, Client, Profile
from idp.oauth.charter import OPEN, Charter, read_registration
from idp.oauth.extensions.registration import answer as answer_to
from idp.oauth.registration_members import MEMBERS
from idp.policy import clients as policy
from tests.support.builders import digest
from tests.support.client_auth import Assertion
from tests.support.fetching import outside, saying
from tests.support.hosted import PNG, Hosted, hosted
from tests.support.outbound import connections
from tests.support.provider import at_once
from tests.support.registrant import CALLBACK, Registrant, initial_token
from tests.support.relying_party import Answer, RelyingParty
from tests.support.target import ELSEWHERE, HOME, Target, target

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
INNER = [
    "127.0.0.1", "[::1]", "0.0.0.0", "169.254.169.254", "10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1",
    "[fd00::1]", "[fe80::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "2130706433",
    "017700000001", "0x7f000001", "0177.0.0.1", "0x7f.1", "127.1", "localhost", "localhost.", "LOCALHOST",
    "x.localhost", "user@127.0.0.1",
]  # fmt: skip
LINKS = ("client_uri", "policy_uri", "tos_uri", "initiate_login_uri", "frontchannel_logout_uri")
FETCHED = ("logo_uri", "jwks_uri", "sector_identifier_uri", "backchannel_logout_uri")


def registrant(at: Target, token: str | None = None, address: str = HOME) -> Registrant:
    return Registrant(at.reach(address=address), at.issuer, token)


@pytest.fixture(scope="module")
async def website() -> AsyncIterator[Hosted]:
    async with hosted() as site:
        yield site


@pytest.fixture(scope="module")
async def everybody(tmp_path_factory: pytest.TempPathFactory, website: Hosted) -> AsyncIterator[Target]:
    """A provider where strangers may register clients, and that may fetch from one place of theirs."""
    folder = tmp_path_factory.mktemp("open")
    async with target("sqlite", folder, client_registration="open", outbound_allow=website.place) as running:
        yield running


@pytest.fixture
async def flooded(tmp_path: Path) -> AsyncIterator[Target]:
    """The same, limiting floods."""
    async with target("sqlite", tmp_path, client_registration="open", rate_limits="on") as running:
        yield running


def assert_shut(answer: Answer) -> None:
    assert (answer.status, answer.error) == (401, "invalid_token")


async def test_dr01_without_a_token_that_an_operator_made_nobody_registers(
    provider: Target, fresh: Target, rp: RelyingParty, browser: Any
) -> None:
    tokens = await rp.redeem(await browser.authorize(rp))
    holder = registrant(provider, await initial_token(provider))
    said = await holder.registered()
    foreign = [
        None, "", "x", "x" * 43, "ä", tokens.access_token, tokens.refresh_token, said["registration_access_token"],
        said["client_secret"], await initial_token(fresh), (holder.token or "")[:-1], (holder.token or "") + "x",
    ]  # fmt: skip

    for token in foreign:
        headers = {} if token is None else {"authorization": f"Bearer {token}".encode()}
        answer = await provider.reach().post("/register", json={"redirect_uris": [CALLBACK]}, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token"), token
    for where in (
        {"params": {"access_token": holder.token}},
        {"headers": {"authorization": f"Basic {holder.token}"}},
        {"headers": [("authorization", f"Bearer {holder.token}"), ("authorization", "Bearer x")]},
    ):
        sent: dict[str, Any] = {"json": {"redirect_uris": [CALLBACK]}, **where}
        answer = await provider.reach().post("/register", **sent)
        assert answer.status_code == 401, where


async def test_dr01_an_expired_token_registers_nothing(provider: Target) -> None:
    holder = registrant(provider, await initial_token(provider, life=MINUTE))
    provider.clock.advance(MINUTE)

    assert_shut(await holder.register())


@pytest.mark.parametrize("field", FETCHED)
@pytest.mark.parametrize("host", INNER)
async def test_dr02_nothing_inside_is_fetched_whatever_its_spelling(everybody: Target, field: str, host: str) -> None:
    """A canary listens on loopback: neither it nor any other inner address is even knocked at."""
    async with outside(saying(b"[]", media_type="application/json")) as canary:
        with connections() as reached:
            for scheme in ("https", "http"):
                for port in (f":{canary.port}", ""):
                    answer = await registrant(everybody).register(**{field: f"{scheme}://{host}{port}/x"})
                    assert (answer.status, answer.error) == (400, "invalid_client_metadata"), answer.text
    assert canary.connections == 0
    assert not reached


async def test_dr02_keys_inside_are_never_fetched_when_they_are_needed(
    everybody: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that leads inside may be registered, since names change; it is looked up, and not followed."""
    assert everybody.site.engine.remote_keys is not None
    guard = everybody.site.engine.remote_keys._fetch
    asked: list[str] = []

    async def inside(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    monkeypatch.setattr(guard, "_resolve", inside)
    key = ECKey.generate_key("P-256", {"kid": "k", "alg": "ES256"})
    async with outside(saying(b"{}", media_type="application/json")) as canary:
        with connections() as reached:
            answer = await registrant(everybody).register(
                token_endpoint_auth_method="private_key_jwt", jwks_uri=f"https://rebound.example:{canary.port}/jwks"
            )
            auth = Assertion(key, "ES256", now=everybody.clock.timestamp)
            rp = RelyingParty(everybody.http, everybody.issuer, answer.body["client_id"], auth, CALLBACK)
            assert (await rp.token(grant_type="client_credentials")).error == "invalid_client"
    assert asked == ["rebound.example"]
    assert canary.connections == 0
    assert not reached


@pytest.mark.parametrize("field", LINKS)
@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "http://rp.example/", "https://a@rp.example/",
     "https://rp.example/\\x", "https://rp.example/\tx", "//x", "x", "https://rp.example/#x"],
)  # fmt: skip
async def test_dr02_a_link_that_could_mislead_is_refused(everybody: Target, field: str, url: str) -> None:
    answer = await registrant(everybody).register(**{field: url})

    assert (answer.status, answer.error) == (400, "invalid_client_metadata")


@pytest.mark.parametrize("field", FETCHED)
@pytest.mark.parametrize(
    "url",
    ["ftp://rp.example/x", "gopher://rp.example/", "file:///etc/passwd", "data:,x", "", "https://rp.example\t/",
     "https://rp.example/#x", "https://rp.example:0/", "https://", "https://0x7f.1/", "https://rp.example:99999/"],
)  # fmt: skip
async def test_dr02_another_scheme_or_an_odd_spelling_is_refused_at_registration(
    everybody: Target, field: str, url: str
) -> None:
    answer = await registrant(everybody).register(**{field: url})

    assert (answer.status, answer.error) == (400, "invalid_client_metadata")


async def test_dr05_what_is_fetched_has_an_end(everybody: Target, website: Hosted) -> None:
    """Too large, of another type, or with too many keys: refused or left out, and others are served meanwhile."""
    large, bomb = website.put("/large", PNG + bytes(2_000_000), "image/png"), json.dumps([CALLBACK] * 100_000).encode()
    assert "logo_uri" not in await registrant(everybody).registered(logo_uri=large)
    for body in (bomb, b"[" * 100_000, b"<html>"):
        url = website.put("/sector", body)
        assert (await registrant(everybody).register(sector_identifier_uri=url)).error == "invalid_client_metadata"
    key = ECKey.generate_key("P-256", {"kid": "k", "alg": "ES256"})
    keys = [{**key.as_dict(private=False), "kid": str(number)} for number in range(3000)] + [key.as_dict(private=False)]
    url = website.put("/keys", json.dumps({"keys": keys}).encode())
    said = await registrant(everybody).registered(token_endpoint_auth_method="private_key_jwt", jwks_uri=url)
    auth = Assertion(key, "ES256", now=everybody.clock.timestamp)
    rp = RelyingParty(everybody.http, everybody.issuer, said["client_id"], auth, CALLBACK)

    assert (await rp.token(grant_type="client_credentials")).error == "invalid_client"


async def test_dr05_a_host_that_does_not_answer_holds_nobody_else_up(everybody: Target) -> None:
    """No transaction waits for it: others register while the logo is being fetched."""
    flow = everybody.site.registration
    assert flow is not None
    begun, finish = asyncio.Event(), asyncio.Event()
    gather = flow._documents.gather

    async def slowly(*given: Any) -> Any:
        begun.set()
        await finish.wait()
        return await gather(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flow._documents, "gather", slowly)
        waiting = asyncio.create_task(registrant(everybody).register(client_name="slow"))
        await begun.wait()
    quick = await registrant(everybody).register(client_name="quick")
    finish.set()

    assert quick.status == 201
    assert (await waiting).status == 201


@pytest.mark.parametrize("method", ["client_secret_basic", "none"])
@pytest.mark.parametrize(
    "uris",
    [
        ["https://*.rp.example/cb"], ["https://rp.example/*"], ["https://rp.example/cb#"], ["https://rp.example/cb#x"],
        ["https://a@rp.example/cb"], ["https://a:b@rp.example/cb"], ["http://rp.example/cb"], ["http://10.0.0.1/cb"],
        [f"https://rp.example/{number}" for number in range(1000)], [f"https://rp.example/{n}" for n in range(21)],
        ["javascript://rp.example/%0aalert(1)"], ["JaVaScRiPt:alert(1)"], ["data:text/html,x"], ["file:///etc/passwd"],
        ["https://rp.example/cb", "https://rp.example\\@evil.example/"], ["https://rp.example./cb"], ["myapp:/cb"],
        ["com.example.app://host/cb"], ["http://localhost.evil.example/cb"], ["https://rp.example/c\tb"], [""], ["https://["],
    ],
    ids=lambda uris: f"{len(uris)} {uris[-1]}"[:40],
)  # fmt: skip
async def test_dr08_a_list_of_redirect_uris_that_could_lead_astray_is_refused(
    everybody: Target, method: str, uris: list[str]
) -> None:
    answer = await registrant(everybody).register(redirect_uris=uris, token_endpoint_auth_method=method)

    assert (answer.status, answer.error) == (400, "invalid_redirect_uri")


@pytest.mark.parametrize(
    "members",
    [
        {"response_types": ["code"], "grant_types": ["refresh_token"]}, {"response_types": ["token"]},
        {"response_types": ["code"], "grant_types": ["implicit"]}, {"response_types": ["code", "none"]},
        {"grant_types": ["password"]}, {"grant_types": ["authorization_code", "client_credentials"]},
        {"response_types": "code"}, {"response_types": [None]},
    ],
    ids=str,
)  # fmt: skip
async def test_dr09_grant_and_response_types_that_do_not_belong_together_are_refused(
    everybody: Target, members: dict[str, Any]
) -> None:
    for method in ("client_secret_basic", "none"):
        answer = await registrant(everybody).register(token_endpoint_auth_method=method, **members)
        assert (answer.status, answer.error) == (400, "invalid_client_metadata")


@pytest.mark.parametrize("profile", [Profile.OAUTH21, Profile.OIDC, Profile.NATIVE])  # fapi2 has no public client
async def test_dr09_no_public_client_has_a_secret_or_acts_for_itself(provider: Target, profile: Profile) -> None:
    holder = registrant(provider, await initial_token(provider, profile=profile))
    said = await holder.registered(token_endpoint_auth_method="none", client_secret="mine")

    assert not {"client_secret", "client_secret_expires_at"} & said.keys()
    assert all(
        row["secret_digests"] == "[]" for row in await provider.rows("clients") if row["id"] == said["client_id"]
    )
    machine = await holder.register(token_endpoint_auth_method="none", grant_types=["client_credentials"])
    assert (machine.status, machine.error) == (400, "invalid_client_metadata")


WORDS = ["https://[", "https://rp.example/cb", "none", "code", "authorization_code", "private_key_jwt"]
JSON = some.recursive(
    some.none() | some.booleans() | some.integers(-1, 10**12) | some.floats(allow_nan=False) | some.text(max_size=12)
    | some.sampled_from(WORDS),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@given(some.dictionaries(some.sampled_from([*MEMBERS, "software_statement", "x"]), JSON, max_size=6))
def test_dr09_whatever_is_sent_is_a_coherent_client_or_a_refusal(sent: dict[str, Any]) -> None:
    """Nothing but BadClient comes out, and nothing leaves the limits."""
    codes: set[str] = set()
    for charter in (OPEN, Charter(Profile.OIDC, ("openid", "x"), ("client_credentials",))):
        try:
            client = read_registration(sent, {}, Client(id="c-1", name=""), charter)
            policy.check(replace(client, secret_digests=() if client.auth_method == "none" else (digest(),)))
        except BadClient as refused:
            codes.add(refused.code)
            continue
        assert set(client.scopes) <= set(charter.scopes)
        assert set(client.grant_types) <= set(charter.grant_types)
        assert not client.audiences
        json.dumps(answer_to(client, issuer="https://id.example", token="t", secret=None))
    assert codes <= {"invalid_redirect_uri", "invalid_client_metadata"}


async def test_dr12_a_token_opens_nothing_but_its_own_living_client_and_never_by_url(everybody: Target) -> None:
    someone = registrant(everybody)
    mine, other = await someone.registered(), await someone.registered()
    own = mine["registration_access_token"]

    for method in ("GET", "PUT", "DELETE"):
        assert_shut(await someone.send(method, other["registration_client_uri"], own, {"client_id": mine["client_id"]}))
        for name in ("access_token", "registration_access_token", "token"):
            url = f"{mine['registration_client_uri']}?{name}={own}"
            assert_shut(await someone.send(method, url, None, {"client_id": mine["client_id"], name: own}))
    assert (await someone.delete(mine)).status == 204
    assert_shut(await someone.read(mine))
    assert (await someone.read(other)).status == 200


async def test_dr12_what_is_stored_opens_nothing(everybody: Target) -> None:
    """Digests only: whoever reads the database finds no token and no secret, nor does the trail hold one."""
    holder = registrant(everybody, await initial_token(everybody))
    said = await holder.registered()
    await holder.replace(said, client_name="New")
    kept = repr(
        [await everybody.rows(table) for table in ("registrations", "initial_access_tokens", "clients", "events")]
    )

    for secret in (holder.token, said["registration_access_token"], said["client_secret"]):
        assert secret is not None
        assert secret not in kept


async def test_dr14_a_flood_from_one_network_ends_and_hits_nobody_else(flooded: Target) -> None:
    answers = await asyncio.gather(*(registrant(flooded).register() for _ in range(60)))
    refused = [answer for answer in answers if answer.status != 201]

    assert len(refused) == 40
    assert {answer.status for answer in refused} == {429}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)
    assert len(await flooded.events("throttled")) == 1
    assert len(await flooded.rows("clients")) == 20
    assert (await registrant(flooded, address=ELSEWHERE).register()).status == 201
    flooded.clock.advance(HOUR)
    assert (await registrant(flooded).register()).status == 201


async def test_dr14_a_network_is_a_64_of_ipv6(flooded: Target) -> None:
    for number in range(20):
        assert (await registrant(flooded, address=f"2001:db8::{number:x}").register()).status == 201

    assert (await registrant(flooded, address="2001:db8::ffff:1").register()).status == 429
    assert (await registrant(flooded, address="2001:db8:0:1::1").register()).status == 201


async def test_dr14_a_token_has_a_count_of_its_own_wherever_it_is_used(flooded: Target) -> None:
    token, other = await initial_token(flooded), await initial_token(flooded)

    for number in range(20):
        assert (await registrant(flooded, token, f"192.0.2.{number}").register()).status == 201
    assert (await registrant(flooded, token, "192.0.2.99").register()).status == 429
    assert (await registrant(flooded, other).register()).status == 201
    assert (await registrant(flooded).register()).status == 201


async def test_dr14_refused_registrations_and_guessed_tokens_count_too(flooded: Target) -> None:
    for number in range(20):
        answer = await registrant(flooded, "x" if number % 2 else None).register(redirect_uris=[])
        assert answer.status in (400, 401)

    assert (await registrant(flooded).register()).status == 429
    assert (await registrant(flooded, "x").register()).status == 429


async def test_dr14_changes_of_one_client_are_counted_as_well(flooded: Target) -> None:
    someone = registrant(flooded)
    said = await someone.registered()

    statuses = [(await someone.replace(said)).status for _ in range(21)]

    assert statuses == [200] * 20 + [429]
    assert (await someone.read(said)).status == 200
    assert (await someone.delete(said)).status == 204


async def test_dr15_a_sector_document_without_the_redirect_uri_is_refused(everybody: Target, website: Hosted) -> None:
    url = website.put("/sector", json.dumps([CALLBACK + "/", CALLBACK.upper()]).encode())

    answer = await registrant(everybody).register(sector_identifier_uri=url)

    assert (answer.status, answer.error) == (400, "invalid_client_metadata")


async def test_dr18_one_click_never_lets_a_newly_registered_client_in(everybody: Target) -> None:
    """The victim is signed in, and has even allowed it before: the consent page is shown, with a warning, each time."""
    person = await everybody.person()
    for method in ("client_secret_basic", "none"):
        said = await registrant(everybody).registered(token_endpoint_auth_method=method, first_party=True)
        rp = await registrant(everybody).client(everybody, said)
        browser = everybody.browser(person)
        for _ in range(3):
            await browser.authorize(rp)
            page = await browser.open((await rp.authorization_request()).url, came_from_elsewhere=True)
            assert (page.name, page.location) == ("consent", None)
            assert "client-unverified" in page.document.texts
        assert (await at_once(browser, rp, prompt="none")).error == "consent_required"


async def test_dr18_a_strangers_client_is_no_application_of_everybodys_account(everybody: Target) -> None:
    """It is listed only for people who let it in, however trustworthy its name sounds."""
    said = await registrant(everybody).registered(
        client_name="Your bank", initiate_login_uri="https://rp.example/start", redirect_uris=[CALLBACK]
    )
    rp = await registrant(everybody).client(everybody, said)
    victim, user = everybody.browser(await everybody.person()), everybody.browser(await everybody.person())
    other = await everybody.client()
    await victim.authorize(other)
    await user.authorize(rp)

    pages = [await browser.open(f"{everybody.issuer}/account/apps") for browser in (victim, user)]

    starts = [[link.get("href", "") for link in page.document.links if "rp.example/start" in link.get("href", "")]
              for page in pages]  # fmt: skip
    assert [len(found) for found in starts] == [0, 1]

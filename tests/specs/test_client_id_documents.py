"""OAuth Client ID Metadata Document: a client whose id is the URL of a document that describes it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from joserfc.jwk import ECKey, KeySet

from tests.support.described import CALLBACK, Agency, agency
from tests.support.html_browser import HtmlBrowser
from tests.support.provider import Person, ask
from tests.support.relying_party import RelyingParty
from tests.support.resources import API, defined, replace, resource

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TICK = timedelta(microseconds=1)
LOOPBACK = "http://127.0.0.1/callback"
OPEN = "https://tides.example"


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Agency]:
    """A provider that takes everybody's word about their clients."""
    async with agency(tmp_path_factory.mktemp("described")) as found:
        yield found


@pytest.fixture(autouse=True)
async def up(world: Agency) -> AsyncIterator[None]:
    """Leave the server as it was found."""
    yield
    world.website.down = False
    world.website.headers.clear()


@pytest.fixture
async def somebody(world: Agency) -> AsyncIterator[HtmlBrowser]:
    """A person at a browser, with an account there."""
    person: Person = await world.provider.person(name="Grace Hopper")
    async with world.provider.browser(person) as browser:
        yield browser


async def is_known(world: Agency, rp: RelyingParty, **changes: str | None) -> bool:
    """Say whether a request of a client gets beyond the page for unknown ones."""
    async with world.provider.browser() as browser:
        page = await ask(browser, rp, **changes)
    assert page.name in ("login", "error"), page.describe()
    return page.name == "login"


async def test_the_metadata_says_that_documents_are_taken(world: Agency) -> None:
    """§5: client_id_metadata_document_supported."""
    metadata = await world.provider.metadata()

    assert metadata["client_id_metadata_document_supported"] is True
    assert "none" in metadata["token_endpoint_auth_methods_supported"]


async def test_a_person_lets_a_client_in_that_nobody_registered(world: Agency, somebody: HtmlBrowser) -> None:
    """The whole way: code, tokens, userinfo, refresh, revocation."""
    url = world.document()
    rp = world.agent(url)

    tokens = await rp.redeem(await somebody.authorize(rp))

    assert tokens.status == 200, tokens.text
    claims = await rp.check_id_token(tokens, next(iter(rp.requests.values())))
    assert claims["aud"] == url
    assert (await rp.decode(tokens.access_token)).claims["client_id"] == url
    assert (await rp.userinfo(tokens.access_token)).body["sub"] == claims["sub"]
    newer = await rp.refresh(tokens.refresh_token)
    assert newer.status == 200, newer.text
    assert (await rp.revoke(newer.refresh_token)).status == 200
    assert (await rp.refresh(newer.refresh_token)).error == "invalid_grant"
    assert world.times_fetched(url) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:{port}/a.json", "https://localhost:{port}", "https://localhost:{port}?a=b",
        "https://user@localhost:{port}/a.json", "https://user:word@localhost:{port}/a.json",
        "https://localhost:{port}/a.json#part", "https://localhost:{port}/../a.json",
        "https://localhost:{port}/x/./a.json", "https://localhost:{port}/x/%2e%2E/a.json",
        "https://localhost:{port}/x/.%2e", "https://LOCALHOST:{port}/a.json", "HTTPS://localhost:{port}/a.json",
        "https:/localhost:{port}/a.json", "https://localhost:{port}\\a.json", "https://localhost:{port}/a b",
        "https://localhost:{port}/a.json\n", "https://localhost:{port}/" + 120 * "a",
    ],
)  # fmt: skip
async def test_whatever_is_no_plain_https_url_with_a_path_is_never_asked_for(world: Agency, url: str) -> None:
    """§3."""
    url = url.format(port=world.website.port)
    for path in ("/a.json", "/", "/x/", "/x/../a.json"):
        world.document(path, client_id=url)
    world.website.asked.clear()

    assert not await is_known(world, world.agent(url))
    assert world.website.asked == []


async def test_a_query_is_part_of_the_url(world: Agency) -> None:
    """§3: tolerated."""
    assert await is_known(world, world.agent(world.document("/agent?of=shore")))


@pytest.mark.parametrize(
    "members",
    [
        {"client_id": None}, {"client_id": "https://localhost/other.json"}, {"client_id": 5},
        {"client_secret": "a secret"}, {"client_secret": None, "client_secret_expires_at": 0},
        {"token_endpoint_auth_method": "client_secret_basic"}, {"token_endpoint_auth_method": "client_secret_post"},
        {"token_endpoint_auth_method": "client_secret_jwt"}, {"token_endpoint_auth_method": "tls_client_auth"},
        {"token_endpoint_auth_method": "private_key_jwt"}, {"token_endpoint_auth_method": "unheard-of"},
        {"token_endpoint_auth_method": ["none"]}, {"token_endpoint_auth_method": {}},
        {"redirect_uris": None}, {"redirect_uris": []}, {"redirect_uris": "https://agent.example/callback"},
        {"redirect_uris": [CALLBACK, "http://agent.example/callback"]}, {"redirect_uris": ["com.example.agent:/back"]},
        {"redirect_uris": ["javascript:alert(1)"]}, {"redirect_uris": [f"{CALLBACK}#part"]},
        {"grant_types": ["client_credentials"]}, {"client_name": "a\u202eb"}, {"client_name": 101 * "a"},
        {"jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}}, {"jwks_uri": "http://10.0.0.1/keys"},
        {"contacts": [6 * 1024 * "a"]},
    ],
)  # fmt: skip
async def test_a_document_that_does_not_hold_makes_no_client(world: Agency, members: dict[str, object]) -> None:
    """§4, §4.1: its own URL, no shared secret, https or loopback, at most 5 KiB."""
    url = world.document(**members)

    assert not await is_known(world, world.agent(url))
    assert await world.provider.site.clients.find(url) is None
    assert world.times_fetched(url) == 1


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"client_id": NaN}', b"\xff\xfe", b'{"a": 1, "a": 2}', b"<html>"])
async def test_what_is_no_json_object_makes_no_client(world: Agency, body: bytes) -> None:
    """§4."""
    url = world.document()
    world.website.put(world.made[-1], body)

    assert not await is_known(world, world.agent(url))


async def test_only_an_answer_200_with_json_counts(world: Agency) -> None:
    """§4.2."""
    url = world.document()
    path = world.made[-1]
    world.website.put(path, world.website.documents[path][1], "text/html")
    assert not await is_known(world, world.agent(url))

    del world.website.documents[path]  # 404
    assert not await is_known(world, world.agent(url))

    world.document(path)
    assert await is_known(world, world.agent(url))


async def test_a_failure_is_never_kept(world: Agency) -> None:
    """§4.2, §4.3: the next request asks again."""
    url = world.document()
    world.website.down = True
    assert not await is_known(world, world.agent(url))

    world.website.down = False
    assert await is_known(world, world.agent(url))
    assert world.times_fetched(url) == 2


@pytest.mark.parametrize(
    ("header", "life"),
    [
        ({}, MINUTE), ({"cache-control": "no-store"}, MINUTE), ({"cache-control": "max-age=5"}, MINUTE),
        ({"cache-control": "public, max-age=600"}, 10 * MINUTE),
        ({"cache-control": "max-age=900", "age": "300"}, 10 * MINUTE),
        ({"cache-control": "max-age=99999999"}, DAY),
        ({"date": "Wed, 02 Jan 2030 03:00:00 GMT", "expires": "Wed, 02 Jan 2030 04:00:00 GMT"}, HOUR),
    ],
)  # fmt: skip
async def test_a_document_is_kept_as_long_as_its_headers_say_between_a_minute_and_a_day(
    world: Agency, header: dict[str, str], life: timedelta
) -> None:
    """§4.3, RFC 9111 §4.2."""
    world.website.headers.update(header)
    url = world.document()
    assert await is_known(world, world.agent(url))

    world.provider.clock.advance(life - TICK)
    assert await is_known(world, world.agent(url))
    assert world.times_fetched(url) == 1

    world.provider.clock.advance(TICK)
    assert await is_known(world, world.agent(url))
    assert world.times_fetched(url) == 2


async def test_what_a_document_says_anew_counts_when_the_old_one_has_run_out(
    world: Agency, somebody: HtmlBrowser
) -> None:
    """§4.3."""
    url = world.document()
    rp = world.agent(url)
    tokens = await rp.redeem(await somebody.authorize(rp))
    world.document(world.made[-1], client_name="Sea Agent", redirect_uris=["https://agent.example/new"])

    assert await is_known(world, rp)
    world.provider.clock.advance(MINUTE)

    assert not await is_known(world, rp)
    await world.provider.settle()
    assert (await world.provider.registration(rp)).name == "Sea Agent"
    assert await is_known(world, world.agent(url, "https://agent.example/new"))
    assert (await rp.refresh(tokens.refresh_token)).status == 200


async def test_nothing_begins_without_a_fresh_document_but_what_has_begun_goes_on_for_an_hour(
    world: Agency, somebody: HtmlBrowser
) -> None:
    """§4.3: a host that is down for a while does not sign people out."""
    rp = world.agent(world.document())
    tokens = await rp.redeem(await somebody.authorize(rp))
    world.website.down = True

    world.provider.clock.advance(MINUTE)
    assert not await is_known(world, rp)
    newer = await rp.refresh(tokens.refresh_token)
    assert newer.status == 200, newer.text

    world.provider.clock.advance(HOUR)
    assert ((await rp.refresh(newer.refresh_token)).status, world.website.down) == (401, True)

    world.website.down = False
    assert (await rp.refresh(newer.refresh_token)).status == 200


async def test_a_document_that_is_gone_ends_what_has_begun(world: Agency, somebody: HtmlBrowser) -> None:
    """§4.2."""
    rp = world.agent(world.document())
    tokens = await rp.redeem(await somebody.authorize(rp))
    del world.website.documents[world.made[-1]]
    world.provider.clock.advance(MINUTE)

    assert (await rp.refresh(tokens.refresh_token)).error == "invalid_client"


async def test_of_many_requests_at_once_one_fetches(world: Agency) -> None:
    """§6.5: no flood leaves through us."""
    url = world.document()

    assert all(await asyncio.gather(*(is_known(world, world.agent(url)) for _ in range(8))))
    assert world.times_fetched(url) == 1


async def test_pkce_is_due_and_query_and_fragment_are_the_ways_back(world: Agency, somebody: HtmlBrowser) -> None:
    """Profile native."""
    rp = world.agent(world.document())

    page = await ask(somebody, rp, code_challenge=None, code_challenge_method=None)

    assert page.answer().error == "invalid_request"


async def test_a_loopback_address_may_have_any_port(world: Agency, somebody: HtmlBrowser) -> None:
    """RFC 8252 §7.3."""
    url = world.document(redirect_uris=[LOOPBACK])
    rp = world.agent(url, "http://127.0.0.1:45678/callback")

    assert (await rp.redeem(await somebody.authorize(rp))).status == 200
    assert not await is_known(world, world.agent(url, "http://localhost:45678/callback"))


async def test_a_client_proves_itself_by_its_keys(world: Agency, somebody: HtmlBrowser) -> None:
    """§4.1: private_key_jwt with jwks or jwks_uri."""
    key, other = (ECKey.generate_key("P-256", {"kid": "agent", "alg": "ES256"}) for _ in range(2))
    jwks = KeySet([key]).as_dict(private=False)
    url = world.document(token_endpoint_auth_method="private_key_jwt", jwks=jwks)
    rp = world.agent(url, key=key)
    code = await somebody.authorize(rp)

    assert (await world.agent(url).token(grant_type="refresh_token", refresh_token="x")).error == "invalid_client"
    forged = world.agent(url, key=other)
    assert (await forged.token(grant_type="refresh_token", refresh_token="x")).error == "invalid_client"
    assert (await rp.redeem(code)).status == 200


async def test_a_client_keeps_its_keys_elsewhere(world: Agency) -> None:
    """§4.1, RFC 7591 §2."""
    key = ECKey.generate_key("P-256", {"kid": "agent", "alg": "ES256"})
    world.website.put("/keys", str(KeySet([key]).as_dict(private=False)).replace("'", '"').encode())
    jwks_uri = world.website.url("/keys")
    url = world.document(token_endpoint_auth_method="private_key_jwt", jwks_uri=jwks_uri)

    assert (await world.agent(url, key=key).revoke("x")).status == 200
    assert (await world.agent(url).revoke("x")).error == "invalid_client"


async def test_requests_are_pushed(world: Agency, somebody: HtmlBrowser) -> None:
    """RFC 9126."""
    rp = world.agent(world.document())
    request = await rp.authorization_request()
    pushed = await rp.post("pushed_authorization_request_endpoint", {**request.parameters, "client_id": None})
    assert pushed.status == 201, pushed.text

    url = f"{world.provider.issuer}/authorize?client_id={rp.client_id}&request_uri={pushed.body['request_uri']}"
    answer = await somebody.finish(rp, await somebody.open(url, came_from_elsewhere=True))

    assert (await rp.redeem(answer.code)).status == 200


async def test_a_device_asks_for_a_code(world: Agency) -> None:
    """RFC 8628."""
    device = "urn:ietf:params:oauth:grant-type:device_code"
    rp = world.agent(world.document(grant_types=[device], redirect_uris=[CALLBACK]))
    begun = await rp.post("device_authorization_endpoint", {"scope": "openid"})
    assert begun.status == 200, begun.text

    polled = await rp.token(grant_type=device, device_code=begun.body["device_code"])

    assert polled.error == "authorization_pending"


async def test_what_other_providers_offer_is_passed_over(world: Agency, somebody: HtmlBrowser) -> None:
    """One document speaks to all providers."""
    url = world.document(
        grant_types=["authorization_code", "urn:example:other"], response_types=["code", "urn:example:token"],
        scope="openid files.everything", token_endpoint_auth_method=None, client_name=None, x_other={"a": 1},
    )  # fmt: skip
    rp = world.agent(url)

    assert (await rp.redeem(await somebody.authorize(rp, scope="openid files.everything"))).body["scope"] == "openid"
    client = await world.provider.registration(rp)
    assert (client.name, client.scopes, client.grant_types) == (
        world.website.place, ("openid",), ("authorization_code",)
    )  # fmt: skip


async def test_scopes_of_an_api_that_is_open_to_all_may_be_asked_for_and_no_others(
    world: Agency, somebody: HtmlBrowser
) -> None:
    """RFC 8707 §2: nobody here knows the client, so the API says whose tokens it takes."""
    told = [resource(OPEN, "tides.read", open_to_all=True), resource(API, "invoices.read")]
    async with defined(world.provider, *(("resources", each) for each in told)) as made:
        rp = world.agent(world.document())
        scope = "openid offline_access tides.read invoices.read admin:users.read"

        tokens = await rp.redeem(await somebody.authorize(rp, scope=scope, resource=OPEN), resource=OPEN)
        claims = (await rp.decode(tokens.access_token)).claims
        assert (claims["aud"], claims["scope"], claims["exp"] - claims["iat"]) == (OPEN, "tides.read", 300)
        assert (await ask(somebody, rp, scope=scope, resource=API)).answer().error == "invalid_target"
        bare = await rp.redeem(await somebody.authorize(rp, scope=None))
        assert bare.body["scope"] == "openid"

        newer = await rp.refresh(tokens.refresh_token)
        assert newer.body["scope"] == "tides.read"
        await replace(world.provider, "resources", made[0], open_to_all=False)
        assert (await rp.refresh(newer.refresh_token)).error in ("invalid_target", "invalid_scope")


# the consent page


async def test_the_pages_name_the_host_that_vouches_and_nothing_more(world: Agency, somebody: HtmlBrowser) -> None:
    """§6.3, §6.4."""
    page = await ask(somebody, world.agent(world.document()))
    assert page.text("client-vouched-by") == world.website.place

    page = await somebody.sign_in()

    assert page.name == "consent"
    assert page.text("client-vouched-by") == world.website.place
    assert page.text("client-redirect-host") == "agent.example"
    assert not page.has("client-on-this-device")


async def test_the_consent_page_warns_of_a_program_on_the_device(world: Agency, somebody: HtmlBrowser) -> None:
    """§6.2: nobody can tell which program that is."""
    rp = world.agent(world.document(redirect_uris=[CALLBACK, LOOPBACK]), "http://127.0.0.1:4567/callback")
    await ask(somebody, rp)

    page = await somebody.sign_in()

    assert page.has("client-on-this-device")
    assert page.text("client-vouched-by") == world.website.place


async def test_the_person_is_asked_each_time(world: Agency, somebody: HtmlBrowser) -> None:
    """RFC 8252 §8.6."""
    rp = world.agent(world.document())
    await somebody.authorize(rp)

    assert (await ask(somebody, rp)).name == "consent"
    assert (await ask(somebody, rp, prompt="none")).answer().error == "consent_required"


async def test_a_logo_comes_from_our_own_origin(world: Agency, somebody: HtmlBrowser) -> None:
    """§6.5 (logo_uri): fetched once, a raster image, or none."""
    from tests.support.hosted import PNG

    logo = world.website.put("/logo.png", PNG, "image/png")
    page = await ask(somebody, world.agent(world.document(logo_uri=logo)))
    source = next(each for each in page.response.text.split('"') if each.startswith("/brand/@"))
    shown = await world.provider.http.get(f"{world.provider.issuer}{source}")
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/png")

    drawing = world.website.put("/logo.svg", b"<svg/>", "image/svg+xml")
    page = await ask(somebody, world.agent(world.document(logo_uri=drawing)))
    assert "/brand/@" not in page.response.text

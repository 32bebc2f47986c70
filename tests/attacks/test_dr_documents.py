"""DR: clients that describe themselves – nobody is fooled by a URL, and nothing inside is reached through one."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from idp.domain.document_url import from_path_name, is_document_url, path_name
from idp.flows.admin.catalog import OPERATIONS
from idp.flows.admin.problem import Problem
from idp.flows.housekeeping import sweep
from idp.policy import lockout
from idp.policy.client_id_document import DocumentHosts
from idp.storage.grants import grants
from idp.wiring import Stores
from tests.support.admin_api import machine
from tests.support.client_auth import Public
from tests.support.described import CALLBACK, Agency, agency
from tests.support.operators import COMMAND
from tests.support.provider import Provider, ask
from tests.support.relying_party import RelyingParty

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
INNER = [
    "127.0.0.1", "[::1]", "169.254.169.254", "10.0.0.1", "192.168.1.1", "172.16.0.1", "[fd00::1]", "0.0.0.0",
    "[::ffff:127.0.0.1]", "2130706433", "0x7f000001", "0177.0.0.1", "localhost.", "metadata.google.internal",
]  # fmt: skip


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Agency]:
    """A provider that takes everybody's word about their clients, and counts what it fetches."""
    settings = {"IDP_RATE_LIMITS": "on"}
    async with agency(tmp_path_factory.mktemp("described"), settings=settings) as found:
        yield found


@pytest.fixture(autouse=True)
def later(world: Agency) -> None:
    """No test is refused for what others did."""
    world.provider.clock.advance(2 * HOUR)


async def begins(provider: Provider, client_id: str) -> bool:
    """Say whether a request of that client gets to the sign-in page."""
    rp = RelyingParty(provider.http, provider.issuer, client_id, Public(), CALLBACK, now=provider.clock.timestamp)
    async with provider.browser() as browser:
        page = await ask(browser, rp)
    assert page.name in ("login", "error"), page.describe()
    return page.name == "login"


async def access(provider: Provider, rp: RelyingParty) -> str:
    """Let a person allow a client something for good, and return the refresh token."""
    async with provider.browser(await provider.person()) as browser:
        return (await rp.redeem(await browser.authorize(rp))).refresh_token


@pytest.mark.parametrize("host", INNER)
async def test_dr02_no_inner_address_is_asked_for_a_document(world: Agency, host: str) -> None:
    """The canary on loopback hears nothing, by whichever spelling."""
    world.website.asked.clear()

    assert not await begins(world.provider, f"https://{host}:{world.website.port}/agents/0.json")
    assert world.website.asked == []


async def test_dr02_neither_are_what_a_document_points_to(world: Agency) -> None:
    """jwks_uri and logo_uri go through the same guard; a logo that may not be fetched is left out."""
    inner = f"https://127.0.0.1:{world.website.port}/logo.png"
    assert not await begins(world.provider, world.document(jwks_uri=inner))

    with_logo = world.document(logo_uri=inner)
    world.website.asked.clear()
    assert not await begins(world.provider, with_logo)
    assert world.website.asked == [with_logo.removeprefix(world.website.url(""))]


async def test_dr05_a_large_document_is_cut(world: Agency) -> None:
    """5 KiB and no byte more."""
    url = world.document()
    path = world.made[-1]
    body = world.website.documents[path][1]
    world.website.put(path, body + b" " * (5 * 1024 - len(body) + 1))
    assert not await begins(world.provider, url)

    world.website.put(path, body + b" " * (5 * 1024 - len(body)))
    assert await begins(world.provider, url)


async def test_dr05_one_network_has_only_so_many_documents_fetched(world: Agency) -> None:
    """Whoever is over it is refused, others are not asked for, and a known client goes on."""
    known = world.document(redirect_uris=[CALLBACK])
    world.website.headers["cache-control"] = "max-age=86400"
    assert await begins(world.provider, known)
    for _ in range(lockout.DOCUMENTS - 1):
        await begins(world.provider, f"https://localhost:{world.website.port}/nothing.json")
    world.website.asked.clear()

    fresh = world.document()
    assert not await begins(world.provider, fresh)
    assert await begins(world.provider, known)
    assert world.website.asked == []

    world.provider.clock.advance(HOUR)
    assert await begins(world.provider, fresh)
    world.website.headers.clear()


async def test_dr05_many_who_wait_for_a_dead_host_share_one_attempt(world: Agency) -> None:
    """And its outcome: no queue of attempts builds up behind it."""
    url = world.document()
    world.website.down = True
    try:
        assert not any(await asyncio.gather(*(begins(world.provider, url) for _ in range(8))))
        assert world.times_fetched(url) == 1
    finally:
        world.website.down = False


async def test_another_process_takes_what_one_has_fetched(tmp_path: Path) -> None:
    """Workers do not each ask the client's host."""
    async with agency(tmp_path) as world:
        url = world.document()
        assert await begins(world.provider, url)
        settings = world.provider.site.settings
        assert settings.master_key is not None
        more = {
            "IDP_CLIENT_ID_DOCUMENTS": "on", "IDP_OUTBOUND_ALLOW": world.website.place,
            "IDP_OUTBOUND_CA_FILE": str(settings.outbound_ca_file),
            "IDP_MASTER_KEY": settings.master_key.get_secret_value(),
        }  # fmt: skip
        async with Provider.running(tmp_path, settings.database_url, settings=more) as other:
            assert await begins(other, url)

        assert world.times_fetched(url) == 1


@pytest.mark.parametrize("claim", ["assertion", "basic"])
async def test_a_client_that_is_only_claimed_gets_nothing(world: Agency, claim: str) -> None:
    """A document makes a client, no proof of being it."""
    url = world.document(token_endpoint_auth_method="private_key_jwt", jwks_uri=world.website.url("/no-keys"))
    rp = world.agent(url)
    fields = {"grant_type": "refresh_token", "refresh_token": "x"}
    auth = ("x", "y") if claim == "basic" else None

    answer = await world.provider.http.post(
        f"{world.provider.issuer}/token", data=fields | {"client_id": rp.client_id}, auth=auth
    )

    assert answer.status_code in (400, 401)
    assert answer.json()["error"] in ("invalid_client", "invalid_request")


async def test_nobody_registers_a_client_under_a_url(world: Agency) -> None:
    """Whoever could would speak for that host."""
    with pytest.raises(Problem):
        await call(world.provider, "clients.create", client_id="https://localhost/a.json",
                   metadata={"client_name": "A", "redirect_uris": [CALLBACK]})  # fmt: skip


async def call(provider: Provider, name: str, **members: object) -> object:
    """Do an operation as a command does."""
    return await provider.site.administration.call(OPERATIONS[name], COMMAND, members)


async def test_what_a_document_says_is_not_changed_here_but_disabled_stays_disabled(world: Agency) -> None:
    """The next look at the document would undo the one, and must not undo the other."""
    url = world.document()
    assert await begins(world.provider, url)

    for change in ({"metadata": {"redirect_uris": ["https://evil.example/cb"]}}, {"first_party": True}):
        with pytest.raises(Problem):
            await call(world.provider, "clients.update", id=url, **change)
    await call(world.provider, "clients.disable", id=url)
    await world.provider.settle()
    world.document(world.made[-1], client_name="Another")
    world.provider.clock.advance(DAY)

    assert not await begins(world.provider, url)
    await call(world.provider, "clients.enable", id=url)
    await world.provider.settle()
    assert await begins(world.provider, url)


async def test_a_client_that_was_removed_comes_back_with_its_document_and_without_its_grants(world: Agency) -> None:
    """Deleting takes all access away; only disabling keeps a client out."""
    world.website.headers["cache-control"] = "max-age=86400"
    rp = world.agent(world.document())
    refresh_token = await access(world.provider, rp)

    await call(world.provider, "clients.delete", id=rp.client_id)
    await world.provider.settle()

    assert (await rp.refresh(refresh_token)).error == "invalid_grant"
    assert await begins(world.provider, rp.client_id)
    world.website.headers.clear()


async def test_unused_clients_are_forgotten_and_used_ones_are_not(world: Agency) -> None:
    """Strangers write rows here: they must not stay."""
    used, unused = world.agent(world.document()), world.document()
    refresh_token = await access(world.provider, used)
    assert await begins(world.provider, unused)
    documents, site = world.provider.site.documents, world.provider.site

    world.provider.clock.advance(DAY - timedelta(microseconds=1) - timedelta(minutes=1))
    await documents.drop_unused()
    assert await site.clients.find(unused) is not None

    world.provider.clock.advance(timedelta(minutes=2))
    await documents.drop_unused()
    await sweep(site.transactions, world.provider.clock)
    assert await site.clients.find(unused) is None
    assert (await used.refresh(refresh_token)).status == 200


async def test_a_host_that_is_taken_from_the_list_loses_everything(tmp_path: Path) -> None:
    """At once at every door, and its grants at the next start."""
    folder = tmp_path / "first"
    folder.mkdir()
    async with agency(folder, documents="other.example, HOST") as world:
        rp = world.agent(world.document())
        refresh_token = await access(world.provider, rp)
        assert (await rp.refresh(refresh_token, scope="openid")).status == 200
        database, website = world.provider.site.settings.database_url, world.website.place
        settings = world.provider.site.settings
        async with Provider.running(
            folder, database,
            settings={
                "IDP_CLIENT_ID_DOCUMENTS": "other.example", "IDP_OUTBOUND_ALLOW": website,
                "IDP_MASTER_KEY": settings.master_key.get_secret_value() if settings.master_key else "",
            },
        ) as later:  # fmt: skip
            assert not await begins(later, rp.client_id)
            assert await later.site.clients.find(rp.client_id) is None
            assert (await later.site.transactions.run(_grants, write=False)) == 0


async def _grants(stores: Stores) -> int:
    return len((await stores.connection.execute(select(grants.c.id))).all())


async def test_where_documents_are_off_nothing_is_fetched(tmp_path: Path) -> None:
    """The default."""
    async with agency(tmp_path, documents="off") as world:
        assert not await begins(world.provider, world.document())
        assert world.website.asked == []
        assert "client_id_metadata_document_supported" not in await world.provider.metadata()


@pytest.mark.parametrize(
    ("listed", "client_id", "counts"),
    [
        ("agent.example", "https://agent.example/a", True), ("agent.example", "https://agent.example:443/a", True),
        ("agent.example", "https://agent.example:444/a", False),
        ("agent.example:444", "https://agent.example:444/a", True),
        ("agent.example", "https://evil-agent.example/a", False), ("agent.example", "https://a.agent.example/a", False),
        ("agent.example", "https://agent.example.evil.example/a", False),
        ("Agent.Example", "https://agent.example/a", True),
        ("on", "https://anybody.example/a", True), ("off", "https://anybody.example/a", False), ("on", "c-1", False),
    ],
)  # fmt: skip
def test_only_the_very_host_counts(listed: str, client_id: str, counts: bool) -> None:
    """No suffix, no prefix, no other port."""
    assert DocumentHosts.read(listed).vouch_for(client_id) is counts


@pytest.mark.parametrize("text", ["@", "@x", "@aHR0cDovL2E", "c-1", "https://a.example/b", "@@", "@\u00e9"])
def test_a_path_name_leads_back_to_one_client(text: str) -> None:
    """Whatever is no name of a URL stays what it is."""
    url = "https://agent.example/a?b=c"

    assert from_path_name(path_name(url)) == url
    assert from_path_name(text) == text
    assert not is_document_url(path_name(url))


async def test_the_console_and_the_api_know_such_a_client(world: Agency) -> None:
    """By the one segment that stands for its URL."""
    url = world.document()
    assert await begins(world.provider, url)
    program = await machine(world.provider)

    assert (await program.get(f"/clients/{path_name(url)}")).body["id"] == url
    assert (await program.post(f"/clients/{path_name(url)}/disable", {})).status == 200
    await world.provider.settle()
    assert not await begins(world.provider, url)

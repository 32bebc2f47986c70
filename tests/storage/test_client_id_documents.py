"""What is known of documents that describe clients: written over, gone with the client, found when nobody uses it."""

from dataclasses import replace

from idp.storage.client_id_documents import KeptDocument
from idp.storage.database import Database
from idp.storage.stores import Stores, Transactions
from tests.support.builders import DAY, NOW, TICK, client, grant
from tests.support.storage import count

URL = "https://agent.example/" + "a" * 106  # as long as one may be


async def kept(stores: Stores, url: str, **changes: bool) -> KeptDocument:
    """Store a client with its document."""
    document = KeptDocument(url, NOW, NOW + DAY)
    await stores.clients.add(replace(client(id=url), **changes), NOW)  # type: ignore[arg-type]
    await stores.client_id_documents.save(document)
    return document


async def test_a_document_is_read_as_it_was_last_written(stores: Stores) -> None:
    """The newer look counts."""
    document = await kept(stores, URL)
    assert await stores.client_id_documents.find(URL) == document
    assert await stores.client_id_documents.find("https://other.example/a") is None
    assert await stores.client_id_documents.find("\0") is None

    newer = replace(document, fetched_at=NOW + DAY, fresh_until=NOW + 2 * DAY)
    await stores.client_id_documents.save(newer)
    assert await stores.client_id_documents.find(URL) == newer


async def test_it_goes_with_its_client(database: Database, transactions: Transactions) -> None:
    """And so do grants and consents, by the same means."""
    async with transactions.open(write=True) as stores:
        await kept(stores, URL)
        await stores.clients.delete(URL)

    assert await count(database, "client_id_documents") == 0


async def test_they_are_read_page_by_page_in_the_order_of_their_urls(stores: Stores) -> None:
    """None twice, none left out."""
    urls = [f"https://{letter}.example/c" for letter in "cab"]
    for url in urls:
        await kept(stores, url)

    first = await stores.client_id_documents.page(after="", limit=2)
    assert [*first, *await stores.client_id_documents.page(after=first[-1], limit=2)] == sorted(urls)


async def test_what_nobody_uses_is_found_but_not_what_is_used_or_disabled(stores: Stores) -> None:
    """A disabled one would come back enabled."""
    used, unused, disabled = (f"https://{name}.example/c" for name in ("used", "unused", "disabled"))
    for url in (used, unused):
        await kept(stores, url)
    await kept(stores, disabled, is_active=False)
    await stores.grants.add(grant(used))

    assert await stores.client_id_documents.unused(NOW - TICK, limit=9) == []
    assert await stores.client_id_documents.unused(NOW, limit=9) == [unused]

"""What mails to a person say to a test that stands in for them: codes and links."""

import re

from tests.support.provider import Provider


async def letters(provider: Provider, address: str) -> list[str]:
    """Return the texts of all mails to an address, newest first."""
    return [str(mail["text"]) for mail in await _to(provider, address)]


async def _to(provider: Provider, address: str) -> list[dict[str, object]]:
    await provider.deliver()
    response = await provider.http.get(f"{provider.issuer}/dev/mailbox.json", params={"to": address})
    received: list[dict[str, object]] = response.json()
    return received


async def subjects(provider: Provider, address: str) -> list[str]:
    """Return the subjects of all mails to an address, newest first."""
    return [str(mail["subject"]) for mail in await _to(provider, address)]


async def links(provider: Provider, address: str, path: str) -> list[str]:
    """Return the links to a path in the mails to an address, newest first."""
    found = [re.findall(rf"^({re.escape(provider.issuer)}/{path}\S+)$", text, re.MULTILINE) for text in
             await letters(provider, address)]  # fmt: skip
    return [link for each in found for link in each]


async def code(provider: Provider, address: str) -> str:
    """Return the newest code sent to an address."""
    for text in await letters(provider, address):
        found = re.search(r"^(\d{6})$", text, re.MULTILINE)
        if found:
            return found[1]
    raise AssertionError(f"no code was sent to {address}")

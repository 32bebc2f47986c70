"""What a person holds in their hand: mail and SMS that arrive, an authenticator app, a passkey in the browser."""

import asyncio
import re
import time
from dataclasses import dataclass
from typing import Any

import httpx2
import pyotp
from playwright.async_api import CDPSession, Page

STEP_SECONDS, DYING_SECONDS = 30, 5


async def received(issuer: str, to: str, *, subject: str = "", count: int = 1) -> list[dict[str, Any]]:
    """Wait for messages to somebody, newest first; those whose subject holds a text."""
    async with httpx2.AsyncClient(trust_env=False, timeout=10) as http, asyncio.timeout(30):
        while True:
            all_of_them = (await http.get(f"{issuer}/dev/mailbox.json", params={"to": to})).json()
            wanted = [each for each in all_of_them if subject in (each["subject"] or "")]
            if len(wanted) >= count:
                return wanted
            await asyncio.sleep(0.1)


async def code_sent(issuer: str, to: str, *, subject: str = "", count: int = 1) -> str:
    """Return the code of the newest message."""
    message = (await received(issuer, to, subject=subject, count=count))[0]
    found = re.search(r"^(\d{6})$", message["text"], re.MULTILINE)
    assert found is not None, message["text"]
    return found[1]


async def link_sent(issuer: str, to: str, path: str, *, count: int = 1) -> str:
    """Return the newest link that begins with a path."""
    async with asyncio.timeout(30):
        while True:
            links = [
                line
                for message in await received(issuer, to)
                for line in message["text"].splitlines()
                if line.startswith(f"{issuer}/{path}")
            ]
            if len(links) >= count:
                return links[0]
            await asyncio.sleep(0.1)


@dataclass
class AuthenticatorApp:
    """An app with one seed; it never shows a code of a step that it has shown before."""

    seed: str
    _offset: int = -1

    def code(self) -> str:
        """Return the next code that the server can accept: the step before now, now, or the next.

        The code of the step before dies with the present one, so it is not shown in its last seconds.
        """
        left = STEP_SECONDS - _now() % STEP_SECONDS
        if self._offset < 0 and left <= DYING_SECONDS:
            time.sleep(left)
        code: str = pyotp.TOTP(self.seed).generate_otp(_now() // STEP_SECONDS + self._offset)
        self._offset += 1
        return code


def _now() -> int:
    from datetime import UTC, datetime

    return int(datetime.now(UTC).timestamp())


@dataclass
class Authenticator:
    """A passkey store inside the browser (WebAuthn's virtual authenticator)."""

    session: CDPSession
    id: str

    async def credentials(self) -> list[dict[str, Any]]:
        """Return the passkeys in it."""
        found = await self.session.send("WebAuthn.getCredentials", {"authenticatorId": self.id})
        return list(found["credentials"])

    async def verify_users(self, *, verifies: bool) -> None:
        """Let it recognise its owner, or not."""
        await self.session.send("WebAuthn.setUserVerified", {"authenticatorId": self.id, "isUserVerified": verifies})

    async def remove(self) -> None:
        """Take it away."""
        await self.session.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": self.id})


async def authenticator(page: Page, **options: object) -> Authenticator:
    """Give a page's browser an authenticator that answers by itself."""
    session = await page.context.new_cdp_session(page)
    await session.send("WebAuthn.enable", {"enableUI": False})
    chosen = {
        "protocol": "ctap2",
        "ctap2Version": "ctap2_1",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
        "defaultBackupEligibility": True,
        "defaultBackupState": True,
        **options,
    }
    made = await session.send("WebAuthn.addVirtualAuthenticator", {"options": chosen})
    return Authenticator(session, made["authenticatorId"])

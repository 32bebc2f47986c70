"""Sending money: the bank asks for more than a token, the visitor proves it, and the transfer goes through – RFC 9470.

The bank's challenge is shown before anybody is sent to the provider, so that a visitor sees what happens and why.
"""

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from urllib.parse import parse_qs

import httpx2
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from idp.demo.bank import Bank
from idp.demo.config import Config
from idp.demo.pages import Pages
from idp.demo.problems import Problem
from idp.demo.visits import Answer, Transfer, Visit, Visits

MOST = Decimal(10_000)
LONGEST_NAME = 80
SECONDS_TO_WAIT = 10
PARAMETER = re.compile(r'([a-z_]+)=(?:"([^"]*)"|([^\s,"]+))')


class Transfers:
    """The page that sends money, and the one that says why not yet."""

    def __init__(self, config: Config, bank: Bank, visits: Visits, pages: Pages) -> None:
        self._config = config
        self._bank = bank
        self._visits = visits
        self._pages = pages

    async def show(self, request: Request) -> Response:
        """Show the transfer that waits, once its person comes back from the provider; nothing is sent by looking."""
        visit = self._visit(request)
        if visit.transfer is None:
            return RedirectResponse(self._config.base_url + "/", 303)
        return self._pages.show("transfer", transfer=visit.transfer, visit=visit)

    async def send(self, request: Request) -> Response:
        """Ask the bank; keep the transfer and explain its challenge if it wants a stronger proof."""
        visit = self._visit(request)
        form = parse_qs((await request.body()).decode("utf-8", "replace"))
        transfer = _read(form) if "to" in form or "amount" in form else visit.transfer
        if transfer is None:
            raise Problem("bad_transfer")
        answer = await self._ask(visit.tokens.access_token, transfer)
        if answer.status_code == 200:
            visit.transfer = None
            visit.answer = Answer(
                f"{transfer.amount} € were sent to {transfer.to}",
                "The bank checked the access token: who, how strongly proved, and how long ago. That was enough.",
                datetime.now(UTC),
                document=answer.json(),
            )
            return RedirectResponse(self._config.base_url + "/#answer", 303)
        visit.transfer = _challenged(transfer, answer)
        return RedirectResponse(self._config.base_url + "/transfer", 303)

    async def _ask(self, access_token: str, transfer: Transfer) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {access_token}"}
        body = {"to": transfer.to, "amount": transfer.amount}
        try:
            async with httpx2.AsyncClient(trust_env=False, timeout=SECONDS_TO_WAIT) as http:
                return await http.post(self._bank.url, json=body, headers=headers)
        except httpx2.HTTPError as error:
            raise Problem("bank_refused", "it does not answer", status=503) from error

    def _visit(self, request: Request) -> Visit:
        visit = self._visits.find(request.session.get("visit"))
        if visit is None:
            raise Problem("nobody_signed_in", status=401)
        return visit


def _challenged(transfer: Transfer, answer: httpx2.Response) -> Transfer:
    """Return the transfer with what the bank asks for (RFC 9470 §3)."""
    challenge = answer.headers.get("www-authenticate", "")
    asked = {name: quoted or plain for name, quoted, plain in PARAMETER.findall(challenge)}
    if asked.get("error") == "invalid_token":
        raise Problem("invalid_token", asked.get("error_description", ""))
    if asked.get("error") != "insufficient_user_authentication":
        raise Problem("bank_refused", f"HTTP status {answer.status_code}", status=502)
    return Transfer(transfer.to, transfer.amount, challenge, asked.get("acr_values", ""), asked.get("max_age", ""))


def _read(form: dict[str, list[str]]) -> Transfer:
    to = " ".join(form.get("to", [""])[0].split())
    try:
        amount = Decimal(form.get("amount", [""])[0].strip().replace(",", "."))
    except InvalidOperation as error:
        raise Problem("bad_transfer") from error
    if not to or len(to) > LONGEST_NAME or not amount.is_finite() or not 0 < amount <= MOST:
        raise Problem("bad_transfer")
    amount = amount.quantize(Decimal("0.01"))
    if not amount:
        raise Problem("bad_transfer")
    return Transfer(to, str(amount))

"""A website with "Sign in", whose browser side is a real page on a port of its own.

The page shows what a browser brought back from the provider; everything else is tests/support/relying_party.py.
"""

import json
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html import escape
from urllib.parse import parse_qsl

import httpx2
from playwright.async_api import Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from tests.support.back_office import BackOffice
from tests.support.client_auth import Basic
from tests.support.relying_party import AuthorizationAnswer, AuthorizationRequest, Json, RelyingParty
from tests.support.serving import listening, served

PAGE = '<!doctype html><html lang="en"><title>{name}</title><body data-page="{name}"><h1>{name}</h1>{body}'


async def _callback(request: Request) -> HTMLResponse:
    is_post = request.method == "POST"
    sent = (await request.body()).decode() if is_post else request.url.query
    came = {"mode": "form_post" if is_post else "query", "parameters": dict(parse_qsl(sent, keep_blank_values=True))}
    return HTMLResponse(PAGE.format(name="website", body=f'<pre id="answer">{escape(json.dumps(came))}</pre>'))


async def _goodbye(request: Request) -> HTMLResponse:
    state = escape(request.query_params.get("state", ""))
    return HTMLResponse(PAGE.format(name="goodbye", body=f'<p id="state">{state}</p>'))


async def _left(_request: Request) -> HTMLResponse:
    return HTMLResponse(PAGE.format(name="left", body=""))


@asynccontextmanager
async def landing() -> AsyncIterator[str]:
    """Serve the pages where browsers arrive, and yield their origin."""
    listener: socket.socket
    listener, origin = listening()
    routes = [
        Route("/{website}/callback", _callback, methods=["GET", "POST"]),
        Route("/{website}/goodbye", _goodbye),
        Route("/{website}/left", _left),
    ]
    async with served(Starlette(routes=routes), listener):
        yield origin


@dataclass
class Website:
    """One client of the provider and the pages of its own."""

    rp: RelyingParty
    origin: str
    name: str

    @property
    def goodbye(self) -> str:
        """Where people arrive after signing out."""
        return self.rp.redirect_uri.replace("/callback", "/goodbye")

    @property
    def left(self) -> str:
        """What the provider loads in a frame when people sign out (Front-Channel Logout §2)."""
        return self.rp.redirect_uri.replace("/callback", "/left")

    async def send(self, page: Page, **changes: str | None) -> AuthorizationRequest:
        """Send somebody to the provider, as its "Sign in" does; `changes` replace parameters."""
        request = await self.rp.authorization_request(**changes)
        await page.goto(request.url)
        return request

    async def answer(self, page: Page) -> AuthorizationAnswer:
        """Wait until the browser is back, and return what it brought; checks state and iss."""
        await expect(page.locator("body")).to_have_attribute("data-page", "website")
        came = json.loads(await page.locator("#answer").inner_text())
        return self.rp.receive(AuthorizationAnswer(came["parameters"], came["mode"]))

    async def welcome(self, page: Page) -> Json:
        """Wait until the browser is back, redeem the code, and return the checked claims of the ID token."""
        answer = await self.answer(page)
        request = self.rp.requests[answer.state or ""]
        tokens = await self.rp.redeem(answer.code)
        return {**await self.rp.check_id_token(tokens, request), "id_token": tokens.id_token}


@asynccontextmanager
async def website(
    office: BackOffice, origin: str, *, name: str = "Harbour Books", is_framed: bool = False, **members: object
) -> AsyncIterator[Website]:
    """Register a client whose pages stand at `origin`, and yield its website; `is_framed` if sign-outs load one."""
    redirect_uri = f"{origin}/{secrets.token_hex(4)}/callback"
    goodbye = redirect_uri.replace("/callback", "/goodbye")
    if is_framed:
        members["frontchannel_logout_uri"] = redirect_uri.replace("/callback", "/left")
    registration = await office.client([redirect_uri], name=name, post_logout_redirect_uris=[goodbye], **members)
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as http:
        auth = Basic(registration.client_secret or "")
        yield Website(
            RelyingParty(http, office.server.issuer, registration.client_id, auth, redirect_uri), origin, name
        )

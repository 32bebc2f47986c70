"""Whoever calls SCIM: by hand, or with a client that nobody here wrote, from a thread of its own."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import httpx2
from scim2_client.engines.httpx2 import SyncSCIMClient

from idp.domain.permission import Permission
from tests.support.admin_api import Api, api, machine
from tests.support.provider import Provider

ROOT = "/scim/v2"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
T = TypeVar("T")
WANTED = (Permission.USERS_READ, Permission.USERS_WRITE, Permission.GROUPS_READ, Permission.GROUPS_WRITE)


class _InLoop(httpx2.BaseTransport):
    """Sends a thread's requests through the loop that the provider runs in."""

    def __init__(self, provider: Provider, loop: asyncio.AbstractEventLoop) -> None:
        self._provider = provider
        self._loop = loop

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request."""

        async def send() -> httpx2.Response:
            return await self._provider.http.request(
                request.method, str(request.url), content=request.read(), headers=request.headers
            )

        answer = asyncio.run_coroutine_threadsafe(send(), self._loop).result(60)
        headers = [(k, v) for k, v in answer.headers.multi_items() if k != "content-encoding"]
        return httpx2.Response(answer.status_code, headers=headers, content=answer.content, request=request)


def scim(provider: Provider, token: str | None) -> Api:
    """Return SCIM as the bearer of a token meets it."""
    return Api(provider.http, provider.issuer + ROOT, token)


async def directory(provider: Provider, *permissions: Permission) -> Api:
    """Return SCIM as a directory meets it, with the scopes that it needs unless others are named."""
    return scim(provider, (await machine(provider, *(permissions or WANTED))).token)


async def in_thread(provider: Provider, token: str | None, work: Callable[[SyncSCIMClient], T], **options: Any) -> T:
    """Return what a client that blocks came to, while the provider goes on."""
    transport = _InLoop(provider, asyncio.get_running_loop())
    headers = {"authorization": f"Bearer {token}"}

    def run() -> T:
        with httpx2.Client(transport=transport, base_url=provider.issuer + ROOT, headers=headers) as http:
            return work(SyncSCIMClient(http, **options))

    return await asyncio.to_thread(run)


def changes(*operations: dict[str, Any]) -> dict[str, Any]:
    """Return the body of a PATCH."""
    return {"schemas": [PATCH_OP], "Operations": list(operations)}


def by_rest(provider: Provider, directory: Api) -> Api:
    """Return the administrators' API with the same token."""
    return api(provider, directory.token)

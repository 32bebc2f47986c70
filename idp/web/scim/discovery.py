"""What a client asks before anything else: what we can do, which resources there are, which attributes they have.

These documents say nothing of anybody, and are given without a token (RFC 7644 §4).
"""

from collections.abc import Awaitable, Callable
from typing import Any

from scim2_models import (
    AuthenticationScheme,
    Bulk,
    ChangePassword,
    Context,
    ETag,
    Filter,
    Meta,
    Patch,
    Reference,
    ServiceProviderConfig,
    Sort,
)
from starlette.requests import Request
from starlette.responses import Response

from idp.domain.json import JsonObject
from idp.flows.admin.scim.bulk import MOST_CHANGES
from idp.flows.admin.scim.lists import MOST_SHOWN
from idp.flows.admin.scim.models import PROVIDER
from idp.flows.admin.scim.users import ROOT
from idp.web.forms import MAX_BODY, query_of
from idp.web.scim import errors
from idp.web.site import site_of

Page = Callable[[Request], Awaitable[Response]]
_LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
_CONFIG = ServiceProviderConfig(
    patch=Patch(supported=True),
    bulk=Bulk(supported=True, max_operations=MOST_CHANGES, max_payload_size=MAX_BODY),
    filter=Filter(supported=True, max_results=MOST_SHOWN),
    change_password=ChangePassword(supported=False),
    sort=Sort(supported=True),
    etag=ETag(supported=True),
    authentication_schemes=[
        AuthenticationScheme(
            type=AuthenticationScheme.Type.oauthbearertoken,
            name="OAuth bearer token",
            description="An access token of this provider with scopes of administration",
            primary=True,
            spec_uri=Reference("https://www.rfc-editor.org/info/rfc6750"),
        )
    ],
)


def _document(request: Request, resource: Any, kind: str, path: str) -> JsonObject:
    location = f"{site_of(request).settings.issuer}{ROOT}{path}"
    placed = resource.model_copy(update={"meta": Meta(resource_type=kind, location=location)})
    document: JsonObject = placed.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    return document


def reading(page: Page) -> Page:
    """Return the endpoint of a document that can only be read, and not filtered (RFC 7644 §4)."""

    async def answer(request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return errors.error(405, headers={"allow": "GET, HEAD"})
        if any(name.lower() == "filter" for name, _ in query_of(request)):
            return errors.error(403, "these documents are not filtered")
        return await page(request)

    return answer


async def config(request: Request) -> Response:
    """Say what we can do."""
    return errors.answer(_document(request, _CONFIG, "ServiceProviderConfig", "/ServiceProviderConfig"))


def _found(kind: str, resources: Any, path: str) -> tuple[Page, Page]:
    """Return the pages of all documents of a kind, and of one."""

    def placed(request: Request, each: Any) -> JsonObject:
        return _document(request, each, kind, f"{path}/{each.id}")

    async def every(request: Request) -> Response:
        found = [placed(request, each) for each in resources]
        return errors.answer(
            {"schemas": [_LIST], "totalResults": len(found), "itemsPerPage": len(found), "startIndex": 1,
             "Resources": found}
        )  # fmt: skip

    async def one(request: Request) -> Response:
        found = [each for each in resources if each.id == request.path_params["id"]]
        return errors.answer(placed(request, found[0])) if found else errors.error(404)

    return every, one


resource_types, resource_type = _found("ResourceType", PROVIDER.resource_types, "/ResourceTypes")
schemas, schema = _found("Schema", PROVIDER.schemas, "/Schemas")

"""What a request needs of its client's own web server – its description, keys, request objects – fetched before any
transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from starlette.requests import Request

from idp.domain.client import Client
from idp.domain.document_url import is_document_url
from idp.flows.client_id_document import Asker
from idp.oauth.client_auth.secret import read_basic
from idp.oauth.context import Context
from idp.oauth.extensions.jwt_bearer import claimed_issuer
from idp.oauth.extensions.par import PREFIX
from idp.oauth.keyring import read_header
from idp.oauth.remote_keys import are_needed, claimed_by
from idp.web.forms import Pairs
from idp.web.site import address_of, context_of, request_id_of, site_of

#: Where something new begins, for which a client's description must be fresh.
BEGINNINGS = frozenset({"/authorize", "/par", "/device_authorization"})
#: Where a request object may be kept elsewhere.
REFERRING = "/authorize"


@dataclass(frozen=True, slots=True)
class Gathered:
    """Objects kept elsewhere, by URL, and the clients whose description does not count now."""

    objects: Mapping[str, str] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()

    def given_to(self, context: Context) -> Context:
        """Return a context that knows of them."""
        return replace(context, fetched=self.objects, absent=self.absent)


async def gather(request: Request, pairs: Pairs) -> Gathered:
    """Learn what describes the client, and the keys that signed what came or that an answer is encrypted to.

    Nothing of the request is believed: a host is asked only if the client registered it, or is that host's.
    """
    engine, claimed = site_of(request).engine, claimed_by(pairs)
    sent = {name: value for name, value in pairs if value}
    url = sent.get("request_uri", "")
    await _learn_issuer(request, sent.get("assertion", ""))
    # Nowhere else does a reference lead to anything, so nobody has us fetch one.
    is_reference = bool(url) and not url.startswith(PREFIX) and request.scope["idp.path"] == REFERRING
    needs_object = is_reference or "request" in sent
    has_certificate = request.scope.get("idp.certificate") is not None
    client_id = claimed[0] if claimed is not None else sent.get("client_id") or _named_by_header(request)
    if client_id is not None and not await _is_described(request, client_id):
        return Gathered(absent=frozenset({client_id}))
    client = await _client(request, client_id) if client_id is not None else None
    if client is None or not client.is_active:
        return Gathered()
    fetched: dict[str, str] = {}
    if is_reference and engine.remote_objects is not None:
        text = await engine.remote_objects.fetch(client, url)
        fetched |= {} if text is None else {url: text}
    if engine.remote_keys is not None and client.jwks_uri is not None:
        signed = [fetched.get(url, sent.get("request", ""))] if needs_object else []
        kids = [
            *([claimed[1]] if claimed else []),
            *(_kid(text) for text in signed),
            *([None] if has_certificate or are_needed(client) else []),
        ]
        for kid in kids:
            await engine.remote_keys.learn(client, kid)
    return Gathered(fetched)


async def _is_described(request: Request, client_id: str) -> bool:
    """Say whether a client may be looked up: by an id given out here, or a document that counts now."""
    site = site_of(request)
    if not is_document_url(client_id):
        return True
    begins = request.scope["idp.path"] in BEGINNINGS
    return await site.documents.learn(client_id, Asker(address_of(request), request_id_of(request), begins))


async def _learn_issuer(request: Request, assertion: str) -> None:
    """Learn the keys of an issuer that operators trust, if one is said to have signed an assertion."""
    site, claimed = site_of(request), claimed_issuer(assertion)
    if claimed is None or site.engine.remote_keys is None:
        return
    async with site.transactions.open(write=False, request_id=request_id_of(request)) as stores:
        known = await context_of(request, stores).definitions()
    trusted = known.assertion_issuers.get(claimed[0])
    if trusted is not None:
        await site.engine.remote_keys.learn(trusted, claimed[1])


def _named_by_header(request: Request) -> str | None:
    """Return which client a request says it is from in its Authorization header (RFC 6749 §2.3.1)."""
    found = read_basic(request.headers.get("authorization", ""))
    return found.client_id if found is not None else None


def _kid(text: str) -> str | None:
    kid = read_header(text).get("kid")
    return kid if isinstance(kid, str) else None


async def _client(request: Request, client_id: str) -> Client | None:
    site = site_of(request)
    client = site.engine.clients.known(client_id)
    if client is not None:
        return client
    async with site.transactions.open(write=False, request_id=request_id_of(request)) as stores:
        return await context_of(request, stores).client(client_id)

"""What a request needs of its client's own web server – keys and request objects – fetched before any transaction."""

from starlette.requests import Request

from idp.domain.client import Client
from idp.oauth.extensions.par import PREFIX
from idp.oauth.keyring import read_header
from idp.oauth.remote_keys import claimed_by
from idp.web.forms import Pairs
from idp.web.site import context_of, request_id_of, site_of


async def gather(request: Request, pairs: Pairs) -> dict[str, str]:
    """Learn the keys that signed an assertion or a request object, and return objects kept elsewhere, by their URL.

    Nothing of the request is believed: a host is asked only if the client registered it.
    """
    engine, claimed = site_of(request).engine, claimed_by(pairs)
    sent = {name: value for name, value in pairs if value}
    url = sent.get("request_uri", "")
    is_reference = bool(url) and not url.startswith(PREFIX)
    needs_object = is_reference or "request" in sent
    client_id = claimed[0] if claimed is not None else sent.get("client_id") if needs_object else None
    client = await _client(request, client_id) if client_id is not None else None
    if client is None or not client.is_active:
        return {}
    fetched: dict[str, str] = {}
    if is_reference and engine.remote_objects is not None:
        text = await engine.remote_objects.fetch(client, url)
        fetched |= {} if text is None else {url: text}
    if engine.remote_keys is not None and client.jwks_uri is not None:
        signed = [fetched.get(url, sent.get("request", ""))] if needs_object else []
        for kid in [*([claimed[1]] if claimed else []), *(_kid(text) for text in signed)]:
            await engine.remote_keys.learn(client, kid)
    return fetched


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

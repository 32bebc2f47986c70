"""OAuth Client ID Metadata Document (draft-ietf-oauth-client-id-metadata-document): clients that describe themselves.

A client id that is an https URL leads to a document with the members of a registration. What it says is checked like
the registration of a stranger, and stricter: the document names its own URL, there is no shared secret of any kind, and
redirect URIs are https or on a loopback host. The client is of profile `native`, and self-registered.
Not here: the URL → domain/document_url.py; whose word counts → policy/client_id_document.py; fetching and storing →
flows/client_id_document.py.
"""

from dataclasses import replace

from idp.domain.approval import Channel
from idp.domain.client import SECRET_METHODS, BadClient, Client, Profile, is_safe_uri
from idp.domain.document_url import vouching_host
from idp.domain.json import BadJson, JsonObject, read_object
from idp.oauth.charter import OPEN, Charter, read_registration

MEDIA_TYPES = frozenset({"application/json", "application/client-id-metadata+json"})
LARGEST = 5 * 1024  # the draft's §6.6
CHARTER = Charter(Profile.NATIVE, OPEN.scopes, (*OPEN.grant_types, Channel.DEVICE.grant_type))
SECRETS = ("client_secret", "client_secret_expires_at")
DEFAULT_SCOPES = ("openid",)  # for a request that names none: agents often ask for nothing but a resource
_NOT_ITS_OWN = ("software_statement", "sector_identifier_uri")  # nobody but the URL's host vouches for it


def read_document(body: bytes, base: Client) -> Client:
    """Return the client that a document describes; `base` has the URL as its id, and keeps what operators decided.

    Raises BadClient with what its author has to mend.
    """
    document = _read(body)
    if document.get("client_id") != base.id:  # compared as strings (RFC 3986 §6.2.1)
        raise BadClient("client_id in the document is not the URL that it was fetched from")
    for name in SECRETS:
        if name in document:
            raise BadClient(f"{name} has no place in a public document")
    method = document.get("token_endpoint_auth_method")
    if isinstance(method, str) and method in SECRET_METHODS:
        raise BadClient("there is no shared secret: token_endpoint_auth_method is none or private_key_jwt")
    known = replace(base, is_self_registered=True, is_first_party=False)
    client = read_registration(_for_us(document, base.id), {}, known, CHARTER)
    if not client.redirect_uris or not all(is_safe_uri(uri) for uri in client.redirect_uris):
        raise BadClient("redirect_uris are https URLs, or http on a loopback host", code="invalid_redirect_uri")
    return replace(client, default_scopes=base.default_scopes or DEFAULT_SCOPES)


def _for_us(document: JsonObject, url: str) -> JsonObject:
    """Return the members that concern us: one document speaks to all providers, and not all offer the same."""
    members = {name: value for name, value in document.items() if name not in _NOT_ITS_OWN and value is not None}
    members.setdefault("client_name", vouching_host(url) or url)
    scope, grants, types = (members.get(name) for name in ("scope", "grant_types", "response_types"))
    if isinstance(scope, str):
        kept = [each for each in scope.split() if each in CHARTER.scopes]
        members["scope"] = " ".join(kept or CHARTER.scopes)
    if isinstance(grants, list):
        members["grant_types"] = [each for each in grants if each in CHARTER.grant_types]
    if isinstance(types, list):
        members["response_types"] = [each for each in types if each == "code"]
    return members


def _read(body: bytes) -> JsonObject:
    if len(body) > LARGEST:
        raise BadClient(f"the document has more than {LARGEST} bytes")
    try:
        return read_object(body.decode(), max_depth=8)
    except (BadJson, UnicodeDecodeError) as error:
        raise BadClient("the document is no JSON object") from error

"""Client ids that are URLs: how a client names the document that describes it (OAuth Client ID Metadata Document §3).

Kept apart from ids that are given out here: nobody registers a client under a URL, and no id given out is one.
"""

from urllib.parse import urlsplit

from idp.domain.client import is_safe_uri
from idp.domain.secret import base64url, from_base64url

LONGEST = 128
_MARK = "@"  # no id given out here has it


def is_document_url(client_id: str) -> bool:
    """Say whether a client id is the URL of a document.

    https with a path, and nothing that readers of URLs could take for another place: no user-info, no fragment, no dot
    segments in any spelling, no capitals in the host. A query is tolerated.
    """
    if len(client_id) > LONGEST or not client_id.startswith("https://") or not is_safe_uri(client_id):
        return False
    path = client_id.removeprefix("https://").partition("?")[0].partition("/")
    segments = [segment.lower().replace("%2e", ".") for segment in path[2].split("/")]
    return bool(path[1]) and not {".", ".."} & set(segments)


def vouching_host(client_id: str) -> str | None:
    """Return the host whose document describes a client, with its port if it has one of its own; None for others."""
    return urlsplit(client_id).netloc if is_document_url(client_id) else None


def path_name(client_id: str) -> str:
    """Return a client's id as one segment of a path; a URL would fall apart there."""
    return f"{_MARK}{base64url(client_id.encode())}" if is_document_url(client_id) else client_id


def from_path_name(name: str) -> str:
    """Return the client id behind one segment of a path; whatever is none of ours stays as it is."""
    if not name.startswith(_MARK):
        return name
    try:
        found = from_base64url(name.removeprefix(_MARK)).decode()
    except ValueError:
        return name
    return found if is_document_url(found) else name

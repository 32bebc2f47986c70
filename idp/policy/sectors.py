"""Which clients may know people by a name of their own, and which of them share one – OIDC Core §8.1."""

from idp.domain.client import LOOPBACK_HOSTS, BadClient, Client, host_of

PAIRWISE = "pairwise"
SUBJECT_TYPES = ("public", PAIRWISE)
_ANYBODYS = LOOPBACK_HOSTS | {"::1"}


def sector_of(client: Client) -> str:
    """Return the host that stands for a client and all others that know people by the same names."""
    return host_of(client.sector_identifier_uri) if client.sector_identifier_uri else client.host


def check(client: Client) -> None:
    """Raise BadClient for a subject type that is not offered, and for pairwise names of no certain sector.

    A loopback host or an application's own scheme is anybody's: such a client says by a document who it is.
    """
    if client.subject_type not in SUBJECT_TYPES:
        raise BadClient(f"subject_type is one of {', '.join(SUBJECT_TYPES)}")
    if client.subject_type != PAIRWISE or client.sector_identifier_uri is not None:
        return
    hosts = {host_of(uri) for uri in client.redirect_uris}
    is_own = all(uri.startswith("https:") for uri in client.redirect_uris) and not hosts & _ANYBODYS
    if len(hosts) != 1 or not is_own:
        raise BadClient("pairwise subjects need redirect URIs on one host of the web, or a sector_identifier_uri")

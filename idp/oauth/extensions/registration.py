"""Dynamic client registration – RFC 7591, OIDC Registration – and its management, RFC 7592.

Our own parser: known members only, each validated, what is stored is what is answered; a secret only for clients that
authenticate by one. Who may register, and what for, says a `Charter`: no registrant chooses or loosens a profile.
Not here: what is asked for → oauth/charter.py; the members → oauth/registration_members.py; tokens, throttling and
storing → flows/client_registration.py.
"""

from idp.domain.client import BadClient, Client
from idp.domain.json import Json, JsonObject
from idp.oauth.registration_members import Author, write_members

NEVER_SENT_BACK = (
    "registration_access_token", "registration_client_uri", "client_id_issued_at", "client_secret_expires_at",
)  # fmt: skip


class BadToken(Exception):
    """No initial or registration access token that opens this door; `is_missing` if none came at all."""

    def __init__(self, *, is_missing: bool) -> None:
        """Say whether a token came."""
        super().__init__("no valid token")
        self.is_missing = is_missing


def check_update(sent: JsonObject, client: Client, *, has_right_secret: bool) -> None:
    """Raise BadClient unless an update says whom it is about, and nothing that only we say (RFC 7592 §2.2)."""
    if sent.get("client_id") != client.id:
        raise BadClient("client_id must be repeated as it was given")
    for name in NEVER_SENT_BACK:
        if name in sent:
            raise BadClient(f"{name} may not be sent back")
    if not has_right_secret:
        raise BadClient("client_secret must be repeated as it was given, by a client that has one, and by no other")
    if client.software_statement is not None and sent.get("software_statement") is None:
        raise BadClient("this client was registered by a software_statement, which must be repeated")


def answer(client: Client, *, issuer: str, token: str, secret: str | None) -> dict[str, Json]:
    """Return what is told of a registration (RFC 7591 §3.2.1, RFC 7592 §3); a secret is shown when it is made."""
    members: dict[str, Json] = write_members(client, author=Author.REGISTRANT)
    if secret is not None:
        members |= {"client_secret": secret, "client_secret_expires_at": 0}
    return members | {
        "registration_client_uri": f"{issuer}/register/{client.id}",
        "registration_access_token": token,
    }

"""Subject identifiers – OIDC Core §8: `public` ones are the person's random id, `pairwise` ones differ by sector.

A pairwise one is HMAC-SHA-256 over sector and person under a key that is never changed (§8.1): the same for one sector
for ever, and nothing by which two sectors could tell that they know the same person. Not here: which clients may have
pairwise ones, and whether their sector is what they say → policy/sectors.py, extensions/registration_documents.py.
"""

from idp.domain.client import Client
from idp.domain.secret import Digester, base64url
from idp.domain.tokens import Grant
from idp.policy.sectors import PAIRWISE, sector_of
from idp.storage.stores import Stores


class Subjects:
    """Names people for clients; the same name in every token, answer and notice that one client gets."""

    def __init__(self, digester: Digester) -> None:
        """Keep what makes the names; its key must outlive everything else."""
        self._digester = digester

    def of(self, client: Client, user_id: str) -> str:
        """Return `sub` of a person for a client."""
        if client.subject_type != PAIRWISE:
            return user_id
        return base64url(self._digester.digest(PAIRWISE, f"{sector_of(client)}|{user_id}"))

    def of_grant(self, client: Client, grant: Grant) -> str:
        """Return `sub`: the person's, else the client's own for a grant without a person (RFC 9068 §2.2)."""
        return self.of(client, grant.user_id) if grant.user_id is not None else grant.client_id

    async def note(self, stores: Stores, client: Client, user_id: str) -> None:
        """Remember whom a name stands for; to be done when a client is told it first, in a transaction that writes."""
        if client.subject_type == PAIRWISE:
            await stores.pairwise_subjects.note(self.of(client, user_id), user_id)

    async def person(self, stores: Stores, client: Client, subject: str) -> str | None:
        """Return the id of the person whom a client names so, None if it was never told of such a one."""
        if client.subject_type != PAIRWISE:
            return subject
        user_id = await stores.pairwise_subjects.person(subject)
        return user_id if user_id is not None and self.of(client, user_id) == subject else None

"""Subject identifiers – OIDC Core §8. Only `public` ones: the person's random id, the same for all clients."""

from idp.domain.tokens import Grant


def subject_of(grant: Grant) -> str:
    """Return `sub`: the person's, else the client's own for a grant without a person (RFC 9068 §2.2)."""
    return grant.user_id or grant.client_id

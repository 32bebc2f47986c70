"""What a person has allowed a client to see."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Consent:
    """Scopes and single claims that one person allowed one client."""

    user_id: str
    client_id: str
    scopes: frozenset[str]
    claims: frozenset[str]

    def covers(self, scopes: frozenset[str], claims: frozenset[str]) -> bool:
        """Say whether everything asked for was allowed before."""
        return scopes <= self.scopes and claims <= self.claims

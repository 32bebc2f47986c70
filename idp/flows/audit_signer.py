"""Signs what the audit trail says of itself, and checks what it once said.

Besides its signature each stored statement has a keyed mark, made with a key that only the provider has. Whoever can
write to the database alone cannot make one, whatever signing keys they bring along.
"""

from datetime import datetime

from idp.domain.secret import Digester, equal
from idp.oauth import statements
from idp.oauth.keyring import Keyring, read_header
from idp.oauth.statements import REMOVAL, RESTART, Statement
from idp.storage.event_checkpoints import Signed


class AuditSigner:
    """Signs and checks statements of this provider."""

    def __init__(self, keyring: Keyring, digester: Digester, *, issuer: str) -> None:
        """Keep what is needed."""
        self._keyring = keyring
        self._digester = digester
        self._issuer = issuer

    @property
    def issuer(self) -> str:
        """Return whose trail it is."""
        return self._issuer

    async def prepare(self) -> None:
        """Read the keys; to be done before the transaction in which something is signed."""
        await statements.prepare(self._keyring)

    def sign(self, typ: str, seq: int, hash_: bytes, *, previous: Signed | None, now: datetime) -> Signed:
        """Return a statement to be stored; raise NoSigningKey if nothing can be signed."""
        before = None if previous is None else previous.jws
        jws = statements.sign(
            self._keyring, typ, issuer=self._issuer, seq=seq, hash_=hash_, previous=before, now=now
        )  # fmt: skip
        kid = self._keyring.snapshot.active[statements.ALG].kid
        return Signed(seq, hash_, now, kid, jws, self._mark(typ, jws))

    def read(self, typ: str, stored: Signed) -> Statement | str:
        """Return what a stored statement says, or in words what is wrong with it."""
        if not equal(stored.mark, self._mark(typ, stored.jws)):
            return "was not made by this provider: its mark is wrong"
        said = statements.read(stored.jws, typ=typ)
        if said is None:
            return "has a signature that is wrong"
        if (said.seq, said.hash, said.at, said.kid) != (stored.seq, stored.hash, stored.signed_at, stored.kid):
            return "was changed: its row says something else than what was signed"
        return said

    def read_gap(self, stored: Signed) -> Statement | str:
        """Return what a statement says up to which nothing is verified: by retention, or since the trail restarted."""
        return self.read(RESTART if is_restart(stored) else REMOVAL, stored)

    def _mark(self, typ: str, jws: str) -> bytes:
        return self._digester.digest(typ, jws)


def is_restart(stored: Signed) -> bool:
    """Say whether a statement calls itself one of a restart; whether it is sound, that does not say."""
    return read_header(stored.jws).get("typ") == RESTART

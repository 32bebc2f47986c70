"""Initial access tokens, as an operator makes, lists and revokes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from idp.clock import Clock
from idp.domain.client import BadClient, Profile
from idp.domain.event import Event, EventKind, Target
from idp.domain.permission import SCOPE_PREFIX
from idp.domain.secret import Digester, make_id, make_secret
from idp.flows.client_registration import INITIAL
from idp.policy.clients import grant_types, is_scope
from idp.storage.initial_access_tokens import InitialAccessToken
from idp.storage.stores import Transactions

MOST = 10_000
LONGEST = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a new token shall allow."""

    profile: Profile
    scopes: tuple[str, ...]
    grant_types: tuple[str, ...]
    uses: int
    life: timedelta


class RegistrationTokens:
    """Makes and ends initial access tokens."""

    def __init__(self, transactions: Transactions, digester: Digester, clock: Clock) -> None:
        """Keep what the steps need."""
        self._transactions = transactions
        self._digester = digester
        self._clock = clock

    async def create(self, wanted: Wanted, *, made_by: str) -> tuple[InitialAccessToken, str]:
        """Store a token and return it with its secret, shown this once; raise BadClient if it may not be."""
        if not 1 <= wanted.uses <= MOST or not timedelta() < wanted.life <= LONGEST:
            raise BadClient(f"a token is for 1 to {MOST} registrations and lives at most {LONGEST.days} days")
        if unknown := [grant for grant in wanted.grant_types if grant not in grant_types()]:
            raise BadClient(f"grant type {unknown[0]!r} is not offered")
        if bad := [scope for scope in wanted.scopes if not is_scope(scope)]:
            raise BadClient(f"not a scope token: {bad[0]!r}")
        if any(scope.startswith(SCOPE_PREFIX) for scope in wanted.scopes):
            raise BadClient("scopes of administration are for clients that an owner made")
        now, secret = self._clock.now(), make_secret()
        token = InitialAccessToken(
            make_id(), wanted.profile, wanted.scopes, wanted.grant_types, wanted.uses, made_by, now, now + wanted.life
        )
        async with self._transactions.open(write=True) as stores:
            await stores.initial_access_tokens.add(token, self._digester.digest(INITIAL, secret))
            await stores.events.add(_event(token.id, "created", uses=wanted.uses), now)
        return token, secret

    async def list(self) -> Sequence[InitialAccessToken]:
        """Return all tokens, the newest first."""
        async with self._transactions.open(write=False) as stores:
            return await stores.initial_access_tokens.list()

    async def revoke(self, token_id: str) -> bool:
        """End a token; the clients that it registered stay. False if there is none."""
        async with self._transactions.open(write=True) as stores:
            is_done = await stores.initial_access_tokens.remove(token_id)
            if is_done:
                await stores.events.add(_event(token_id, "revoked"), self._clock.now())
        return is_done


def _event(token_id: str, change: str, **detail: int) -> Event:
    kind = EventKind.REGISTRATION_TOKEN_CHANGED
    return Event(kind, detail={"change": change, **detail}, target=Target("registration token", token_id))

"""Nouns for tests: each builder returns a valid one, and takes as keywords what the test is about.

Times hang on NOW, so that a test can say `NOW + lifetime` and stand exactly on a limit.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from idp.domain.assurance import LOA1, Factor, Proof
from idp.domain.authorization import AuthorizationRequest, Interaction, ResponseMode
from idp.domain.client import Client, Profile
from idp.domain.message import Channel, Message
from idp.domain.secret import Digest, make_id, make_secret, make_user_id, random_bytes
from idp.domain.session import Session
from idp.domain.tokens import AccessToken, AuthorizationCode, Grant, RefreshState
from idp.domain.user import Role, User, UserStatus
from idp.storage.decisions import StoredDecision
from idp.storage.initial_access_tokens import InitialAccessToken

NOW = datetime(2030, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
TICK = timedelta(microseconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
REDIRECT_URI = "https://rp.example/callback"

_numbers = count(1)

_DECISIONS = count(1)


def digest() -> Digest:
    """Return a digest of nothing in particular, never the same twice."""
    return Digest(random_bytes(32))


def user(**changes: Any) -> User:
    """Return an active person with an address and a username of their own."""
    number = next(_numbers)
    plain = User(
        id=make_user_id(),
        status=UserStatus.ACTIVE,
        role=Role.USER,
        email=f"person{number}@example.com",
        email_verified=True,
        username=f"person{number}",
        claims={"name": f"Person {number}"},
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(plain, **changes)


def client(**changes: Any) -> Client:
    """Return a confidential client that passes policy/clients.check."""
    plain = Client(
        id=f"client-{next(_numbers)}",
        name="Harbour Books",
        redirect_uris=(REDIRECT_URI,),
        grant_types=("authorization_code", "refresh_token"),
        secret_digests=(digest(),),
        created_at=NOW,
    )
    return replace(plain, **changes)


def initial_token(**changes: Any) -> InitialAccessToken:
    """Return an initial access token for three ordinary clients."""
    plain = InitialAccessToken(
        id=make_id(),
        profile=Profile.OAUTH21,
        scopes=("openid", "profile"),
        grant_types=("authorization_code", "refresh_token"),
        remaining=3,
        made_by="command line: ops",
        created_at=NOW,
        expires_at=NOW + 30 * DAY,
    )
    return replace(plain, **changes)


def session(user_id: str, **changes: Any) -> Session:
    """Return a session that was opened just now with a password."""
    plain = Session(
        id=make_id(),
        user_id=user_id,
        proofs=(Proof(Factor.PASSWORD, NOW),),
        created_at=NOW,
        auth_time=NOW,
        seen_at=NOW,
        expires_at=NOW + DAY,
        idle_expires_at=NOW + HOUR,
    )
    return replace(plain, **changes)


def request(**changes: Any) -> AuthorizationRequest:
    """Return an authorization request for a code."""
    plain = AuthorizationRequest(
        client_id="client",
        redirect_uri=REDIRECT_URI,
        response_mode=ResponseMode.QUERY,
        scopes=("openid",),
        state=make_secret(),
        nonce=make_secret(),
        code_challenge="E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    )
    return replace(plain, **changes)


def interaction(**changes: Any) -> Interaction:
    """Return an interaction that began just now."""
    plain = Interaction(
        id=make_id(), request=request(), return_path=None, created_at=NOW, expires_at=NOW + timedelta(minutes=30)
    )
    return replace(plain, **changes)


def grant(client_id: str, user_id: str | None = None, session_id: str | None = None, **changes: Any) -> Grant:
    """Return a grant that was made just now."""
    plain = Grant(
        id=make_id(),
        client_id=client_id,
        user_id=user_id,
        session_id=session_id,
        scopes=("openid", "profile"),
        audience=("https://api.example",),
        created_at=NOW,
        expires_at=NOW + 90 * DAY,
        auth_time=NOW,
        acr=LOA1,
        amr=("pwd",),
    )
    return replace(plain, **changes)


def refresh_state(**changes: Any) -> RefreshState:
    """Return the first refresh token of a family."""
    plain = RefreshState(
        current=digest(), expires_at=NOW + 14 * DAY, predecessor=None, rotated_at=None, sealed_successor=None
    )
    return replace(plain, **changes)


def code(of: Grant, **changes: Any) -> AuthorizationCode:
    """Return a code for a grant, made just now."""
    plain = AuthorizationCode(
        digest=digest(),
        grant=of,
        redirect_uri=REDIRECT_URI,
        nonce="a-nonce",
        code_challenge="E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        expires_at=NOW + MINUTE,
        is_spent=False,
        failures=0,
    )
    return replace(plain, **changes)


def access_token(of: Grant, **changes: Any) -> AccessToken:
    """Return an access token of a grant, made just now."""
    plain = AccessToken(
        jti=f"{of.id}.{make_id()}",
        grant_id=of.id,
        client_id=of.client_id,
        subject=of.user_id or of.client_id,
        scopes=of.scopes,
        audience=of.audience,
        issued_at=NOW,
        expires_at=NOW + 5 * MINUTE,
    )
    return replace(plain, **changes)


def message(**changes: Any) -> Message:
    """Return a mail that was written just now."""
    plain = Message(
        id=make_id(),
        channel=Channel.MAIL,
        to="person@example.com",
        subject="Hello",
        text="A line.\n",
        html="<p>A line.</p>",
        created_at=NOW,
    )
    return replace(plain, **changes)


def decision(user_id: str, **changes: Any) -> StoredDecision:
    """Return a decision about a sign-in that was made just now; ids grow, as those of the store do."""
    plain = StoredDecision(
        id=f"{next(_DECISIONS):08d}",
        user_id=user_id,
        session_id=None,
        client_id="client",
        event="login",
        decided_at=NOW,
        decision="allow",
        band="low",
        score=10,
        policy="sha256:0",
        record="{}",
        digest="0" * 64,
        expires_at=NOW + 90 * DAY,
    )
    return replace(plain, **changes)

"""The floor: a bare Starlette application that does each operation of the provider with the least work.

Per operation it parses the form, authenticates the client, makes the same signatures (same algorithms and key sizes)
and runs the fewest statements that keep the same promises (floor_statements.py), by the raw driver. It is served with
the provider's own uvicorn settings. It has no errors worth the name, no middleware, no log: it is a yardstick.

`python -m bench.floor JSON`: see `Settings`.
"""

import base64
import hmac
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench import floor_tokens as tokens
from bench.floor_database import Connection, Database, database
from bench.floor_statements import (
    ADD_CODE,
    ADD_GRANT,
    ALIVE,
    CLIENT,
    EVENT,
    LIVE,
    ROTATE,
    SEED,
    SIGNED_IN,
    SPEND_CODE,
)  # fmt: skip

SECOND = 1_000_000
DAY = 86_400 * SECOND
NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}
BAD = Response(b'{"error":"invalid_request"}', 400)
USER_ID, SESSION_ID = "floor-user", "floor-session"
PROFILE = {"name": "Ada Lovelace", "email": "ada@example.org", "email_verified": True}


@dataclass(frozen=True)
class Settings:
    """What the benchmark decides."""

    issuer: str
    database_url: str
    client_id: str
    client_secret: str
    session: str
    redirect_uri: str
    scopes: str
    discovery: str
    jwks: str
    uvicorn: dict[str, Any]


class Floor:
    """The operations."""

    def __init__(self, settings: Settings) -> None:
        """Keep the settings; the database is opened when serving starts."""
        self.settings = settings
        self.database: Database = database(settings.database_url)
        self._discovery = settings.discovery.encode()
        self._jwks = settings.jwks.encode()
        self._public = {"etag": '"0123456789abcdef"', "cache-control": "public, max-age=600"}

    @asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        """Open the database with one client, and one person who is signed in and has consented."""
        given = self.settings
        await self.database.open()
        connection = await self.database.take()
        now, profile = _now(), json.dumps(PROFILE).encode()
        secret = tokens.digest(b"secret", given.client_secret.encode())
        session = tokens.digest(b"session", given.session.encode())
        await connection.row(SEED[0], given.client_id, secret, given.redirect_uri)
        await connection.row(SEED[1], USER_ID, tokens.seal(profile, USER_ID.encode()))
        await connection.row(SEED[2], SESSION_ID, session, USER_ID, now, now + 30 * DAY)
        await connection.row(SEED[3], USER_ID, given.client_id, given.scopes)
        self.database.give_back(connection)
        yield
        await self.database.close()

    def routes(self) -> list[Route]:
        """Return the same paths as the provider's."""
        return [
            Route("/token", self.token, methods=["POST"]),
            Route("/userinfo", self.userinfo, methods=["GET"]),
            Route("/introspect", self.introspect, methods=["POST"]),
            Route("/authorize", self.authorize, methods=["GET"]),
            Route("/jwks", self.jwks, methods=["GET"]),
            Route("/.well-known/openid-configuration", self.discovery, methods=["GET"]),
        ]

    async def discovery(self, request: Request) -> Response:
        """Return prepared bytes."""
        return Response(self._discovery, 200, self._public, "application/json")

    async def jwks(self, request: Request) -> Response:
        """Return prepared bytes."""
        return Response(self._jwks, 200, self._public, "application/json")

    async def token(self, request: Request) -> Response:
        """Issue tokens for one of three grants."""
        form = dict(parse_qsl(await request.body()))
        connection = await self.database.take()
        try:
            client_id = await self._client(connection, request)
            if client_id is None:
                return BAD
            match form.get(b"grant_type"):
                case b"client_credentials":
                    return await self._client_credentials(connection, client_id, _address(request))
                case b"authorization_code":
                    return await self._redeem(connection, client_id, form, _address(request))
                case b"refresh_token":
                    return await self._refresh(connection, client_id, form, _address(request))
            return BAD
        finally:
            self.database.give_back(connection)

    async def _client(self, connection: Connection, request: Request) -> str | None:
        decoded = base64.b64decode(request.headers["authorization"][6:])
        client_id, _, secret = decoded.partition(b":")
        row = await connection.row(CLIENT, client_id.decode())
        if row is None or not hmac.compare_digest(row[0], tokens.digest(b"secret", secret)):
            return None
        return client_id.decode()

    async def _client_credentials(self, connection: Connection, client_id: str, address: str) -> Response:
        now = _now()
        await _record(connection, now, "tokens_issued", address, client_id)
        answer = {"access_token": self._access_token(now, tokens.make_id(), client_id, client_id, "api", {})}
        return _answer(answer, "api")

    async def _redeem(self, connection: Connection, client_id: str, form: dict[bytes, bytes], address: str) -> Response:
        now = _now()
        digest = tokens.digest(b"code", form[b"code"])
        challenge = tokens.s256(form[b"code_verifier"])
        await connection.say(self.database.begin)
        spent = await connection.row(SPEND_CODE, now, digest, client_id, form[b"redirect_uri"].decode(), challenge)
        alive = await connection.row(ALIVE, spent[2], now) if spent else None
        if spent is None or alive is None:
            await connection.say("ROLLBACK")
            return BAD
        grant_id, user_id, session_id, scopes, nonce = spent
        refresh = tokens.make_refresh_token(grant_id)
        await connection.row(
            ADD_GRANT, grant_id, client_id, user_id, session_id, scopes, now + 90 * DAY,
            tokens.digest(b"refresh", refresh), now + 14 * DAY,
        )  # fmt: skip
        await _record(connection, now, "tokens_issued", address, client_id, user_id, session_id)
        await connection.say("COMMIT")
        return self._user_tokens(now, grant_id, client_id, user_id, session_id, scopes, nonce, refresh, alive)

    async def _refresh(
        self, connection: Connection, client_id: str, form: dict[bytes, bytes], address: str
    ) -> Response:
        now = _now()
        old = form[b"refresh_token"]
        grant_id = tokens.family_of(old)
        if grant_id is None:
            return BAD
        new = tokens.make_refresh_token(grant_id)
        await connection.say(self.database.begin)
        rotated = await connection.row(
            ROTATE, tokens.digest(b"refresh", new), now + 14 * DAY, tokens.digest(b"refresh", old), now,
            tokens.seal(new, grant_id.encode()), grant_id, client_id,
        )  # fmt: skip
        alive = await connection.row(ALIVE, rotated[1], now) if rotated else None
        if rotated is None or alive is None:
            await connection.say("ROLLBACK")
            return BAD
        user_id, session_id, scopes = rotated
        await _record(connection, now, "tokens_refreshed", address, client_id, user_id, session_id)
        await connection.say("COMMIT")
        return self._user_tokens(now, grant_id, client_id, user_id, session_id, scopes, None, new, alive)

    def _user_tokens(
        self, now: int, grant_id: str, client_id: str, user_id: str, session_id: str, scopes: str, nonce: str | None,
        refresh: bytes, alive: Any,
    ) -> Response:  # fmt: skip
        proved = {"auth_time": alive[0] // SECOND, "acr": alive[1], "amr": [alive[2]]}
        access = self._access_token(now, grant_id, client_id, user_id, scopes, proved)
        seconds = now // SECOND
        claims = {
            "iss": self.settings.issuer, "sub": user_id, "aud": client_id, "azp": client_id, "exp": seconds + 600,
            "iat": seconds, "jti": tokens.make_id(), "at_hash": tokens.at_hash(access),
            "sid": tokens.digest(b"sid", session_id.encode()).hex()[:32], **proved,
        }  # fmt: skip
        if nonce:
            claims["nonce"] = nonce
        answer = {"access_token": access, "refresh_token": refresh.decode(), "id_token": tokens.id_token(claims)}
        return _answer(answer, scopes)

    def _access_token(
        self, now: int, grant_id: str, client_id: str, subject: str, scopes: str, proved: dict[str, Any]
    ) -> str:
        seconds = now // SECOND
        return tokens.access_token(
            {
                "iss": self.settings.issuer, "sub": subject, "aud": self.settings.issuer, "client_id": client_id,
                "exp": seconds + 300, "iat": seconds, "jti": f"{grant_id}.{tokens.make_id()[:12]}", "scope": scopes,
                **proved,
            }
        )  # fmt: skip

    async def _live(self, connection: Connection, token: bytes) -> tuple[dict[str, Any], Any] | None:
        claims = tokens.read_access_token(token)
        now = _now()
        if claims is None or claims["exp"] * SECOND <= now:
            return None
        jti = claims["jti"]
        row = await connection.row(LIVE, jti.partition(".")[0], now, jti)
        return (claims, row) if row is not None else None

    async def introspect(self, request: Request) -> Response:
        """Describe an access token."""
        form = dict(parse_qsl(await request.body()))
        connection = await self.database.take()
        try:
            client_id = await self._client(connection, request)
            found = await self._live(connection, form[b"token"]) if client_id else None
        finally:
            self.database.give_back(connection)
        if found is None:
            return Response(b'{"active":false}', 200, NO_STORE, "application/json")
        claims, _row = found
        return Response(_json({"active": True, "token_type": "Bearer", **claims}), 200, NO_STORE, "application/json")

    async def userinfo(self, request: Request) -> Response:
        """Say who the person is."""
        connection = await self.database.take()
        try:
            found = await self._live(connection, request.headers["authorization"][7:].encode())
        finally:
            self.database.give_back(connection)
        if found is None:
            return Response(status_code=401)
        _claims, row = found
        profile = json.loads(tokens.unseal(row[2], row[0].encode()))
        return Response(_json({**profile, "sub": row[0]}), 200, NO_STORE, "application/json")

    async def authorize(self, request: Request) -> Response:
        """Answer somebody who is signed in and has consented before."""
        query = dict(parse_qsl(request.scope["query_string"].decode()))
        cookie = next(part for part in request.headers["cookie"].split("; ") if part.startswith("idp_session="))
        client_id, now, code = query["client_id"], _now(), tokens.make_secret()
        connection = await self.database.take()
        try:
            client = await connection.row(CLIENT, client_id)
            digest = tokens.digest(b"session", cookie[12:].encode())
            found = await connection.row(SIGNED_IN, digest, client_id, now)
            if client[1] != query["redirect_uri"] or not set(query["scope"].split()) <= set(found[2].split()):
                return BAD
            session_id, user_id, _scopes = found
            await connection.say(self.database.begin)
            await connection.row(
                ADD_CODE, tokens.digest(b"code", code.encode()), tokens.make_id(), client_id, user_id, session_id,
                query["scope"], query["redirect_uri"], query.get("nonce"), query["code_challenge"], now + 60 * SECOND,
            )  # fmt: skip
            await _record(connection, now, "code_issued", _address(request), client_id, user_id, session_id)
            await connection.say("COMMIT")
        finally:
            self.database.give_back(connection)
        answer = urlencode({"code": code, "state": query["state"], "iss": self.settings.issuer})
        return Response(b"", 303, {"location": f"{query['redirect_uri']}?{answer}", "cache-control": "no-store"})


async def _record(
    connection: Connection, now: int, kind: str, address: str, client_id: str, user_id: str | None = None,
    session_id: str | None = None,
) -> None:  # fmt: skip
    event_id = f"{now:014x}{tokens.make_id()}"
    sealed = tokens.seal(address.encode(), event_id.encode())
    await connection.row(EVENT, event_id, now, kind, user_id, client_id, session_id, sealed, None)


def _answer(answer: dict[str, Any], scopes: str) -> Response:
    body = _json({"token_type": "Bearer", "expires_in": 300, "scope": scopes, **answer})
    return Response(body, 200, NO_STORE, "application/json")


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _now() -> int:
    return time.time_ns() // 1000


def _address(request: Request) -> str:
    return str(request.scope["client"][0])


def main() -> None:
    """Serve until told to stop."""
    settings = Settings(**json.loads(sys.argv[1]))
    floor = Floor(settings)
    uvicorn.run(Starlette(routes=floor.routes(), lifespan=floor.lifespan), **settings.uvicorn)


if __name__ == "__main__":
    main()

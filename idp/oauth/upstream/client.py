"""We as a client of another provider – RFC 6749 §4.1, OIDC Core §3.1: the request, its answer, tokens and userinfo.

Always the code flow with PKCE S256 (RFC 7636), state and nonce; `iss` of the answer is checked (RFC 9207 §2.4). Authlib
writes the requests; what comes back is read here, strictly, and the outside is reached through the guard only. Nothing
that a provider gave is kept: its tokens end with the exchange.
"""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.client import OAuth2Client
from authlib.oauth2.rfc6749.parameters import prepare_token_request

from idp.clock import Clock
from idp.domain.json import BadJson, Json, read_object
from idp.domain.secret import make_id
from idp.domain.upstream import Upstream, UpstreamAuth
from idp.oauth.keyring import Keyring
from idp.oauth.upstream.fault import UpstreamFault
from idp.oauth.upstream.id_token import Expected, key_of, read_id_token
from idp.oauth.upstream.metadata import UpstreamDirectory, UpstreamMetadata
from idp.providers.fetch.port import FetchDelayed, FetchRejected, Way

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_TYP = "client-authentication+jwt"  # no other token of ours is of this type
ASSERTION_SECONDS = 60
PREFERRED = ("ES256", "PS256", "RS256", "EdDSA")
LONGEST_CODE = 2048
JSON_TYPES = frozenset({"application/json"})
_HEADERS = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"}
_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")


@dataclass(frozen=True, slots=True)
class Asking:
    """What a request asks for beside who somebody is (OIDC Core §3.1.2.1)."""

    redirect_uri: str
    state: str
    nonce: str
    verifier: str
    prompt: str | None = None
    max_age: int | None = None
    login_hint: str | None = None
    ui_locales: str | None = None


class UpstreamClient:
    """Speaks to other providers."""

    def __init__(self, way: Way, keyring: Keyring, clock: Clock) -> None:
        """Reach others by `way`; assertions are signed with our own keys."""
        self.directory = UpstreamDirectory(way, clock)
        self._way = way
        self._keyring = keyring
        self._clock = clock

    def authorization_url(self, upstream: Upstream, metadata: UpstreamMetadata, asking: Asking) -> str:
        """Return where to send the browser."""
        url, _ = self._client(upstream, metadata).create_authorization_url(
            metadata.authorization_endpoint, state=asking.state, code_verifier=asking.verifier,
            redirect_uri=asking.redirect_uri, nonce=asking.nonce, prompt=asking.prompt,
            max_age=None if asking.max_age is None else str(asking.max_age), login_hint=asking.login_hint,
            ui_locales=asking.ui_locales,
        )  # fmt: skip
        return str(url)

    async def redeem(
        self, upstream: Upstream, code: str, *, redirect_uri: str, verifier: str, nonce: str
    ) -> Mapping[str, Json]:
        """Return the checked claims for a code, with those of userinfo where asked for; raise UpstreamFault."""
        metadata = await self.directory.metadata(upstream)
        if not 0 < len(code) <= LONGEST_CODE:
            raise UpstreamFault("code", "the code is too long")
        tokens = await self._tokens(upstream, metadata, code, redirect_uri=redirect_uri, verifier=verifier)
        access_token, id_token = tokens.get("access_token"), tokens.get("id_token")
        kind = tokens.get("token_type")
        if not isinstance(kind, str) or kind.lower() != "bearer" or not isinstance(id_token, str):
            raise UpstreamFault("tokens", "there is no ID token, or tokens of another kind")
        if not isinstance(access_token, str) or not _TOKEN.fullmatch(access_token):
            raise UpstreamFault("tokens", "there is no access token")
        keys = await self.directory.keys(metadata, key_of(id_token))
        expected = Expected(metadata.issuer, upstream.client_id, nonce, access_token, self._clock.now())
        claims = read_id_token(id_token, keys, expected)
        if not upstream.asks_userinfo:
            return claims
        return {**await self._userinfo(metadata, access_token, str(claims["sub"])), **claims}

    async def _tokens(
        self, upstream: Upstream, metadata: UpstreamMetadata, code: str, *, redirect_uri: str, verifier: str
    ) -> Mapping[str, Json]:
        body = prepare_token_request("authorization_code", redirect_uri=redirect_uri, code=code, code_verifier=verifier)
        client = self._client(upstream, metadata)
        auth: ClientAuth = client.client_auth(upstream.auth_method.value)
        url, headers, body = auth.prepare("POST", metadata.token_endpoint, dict(_HEADERS), body)
        try:
            answered = await self._way.post(url, body.encode(), headers=headers)
        except FetchDelayed as error:
            raise UpstreamFault("token_endpoint", str(error), is_away=True) from error
        except FetchRejected as error:
            raise UpstreamFault("token_endpoint", str(error)) from error
        if answered.status != 200:
            is_away = answered.status >= 500 or answered.status == 429
            raise UpstreamFault("token_endpoint", f"the token endpoint answered {answered.status}", is_away=is_away)
        return _object("tokens", answered.body)

    async def _userinfo(self, metadata: UpstreamMetadata, access_token: str, subject: str) -> Mapping[str, Json]:
        """Return what userinfo says of the same person, and of nobody else (OIDC Core §5.3.2)."""
        if metadata.userinfo_endpoint is None:
            raise UpstreamFault("userinfo", "that provider has no userinfo endpoint")
        try:
            fetched = await self._way.get(
                metadata.userinfo_endpoint, media_types=JSON_TYPES, headers={"authorization": f"Bearer {access_token}"}
            )
        except FetchDelayed as error:
            raise UpstreamFault("userinfo", str(error), is_away=True) from error
        except FetchRejected as error:
            raise UpstreamFault("userinfo", str(error)) from error
        claims = _object("userinfo", fetched.body)
        if claims.get("sub") != subject:
            raise UpstreamFault("userinfo_sub", "userinfo is about somebody else than the ID token")
        return claims

    def _client(self, upstream: Upstream, metadata: UpstreamMetadata) -> OAuth2Client:
        client = OAuth2Client(
            None, client_id=upstream.client_id, client_secret=upstream.client_secret, scope=" ".join(upstream.scopes),
            token_endpoint_auth_method=upstream.auth_method.value, code_challenge_method="S256",
        )  # fmt: skip
        # Authlib's own sends id and secret as they are; RFC 6749 §2.3.1 has them encoded first.
        client.register_client_auth_method((UpstreamAuth.BASIC.value, _by_header))
        client.register_client_auth_method((UpstreamAuth.PRIVATE_KEY_JWT.value, self._by_assertion(metadata)))
        return client

    def _by_assertion(self, metadata: UpstreamMetadata) -> Callable[..., Any]:
        """Return what puts an assertion of ours into a request (RFC 7523 §2.2); its audience is the issuer, no URL."""

        def prepare(client: ClientAuth, method: str, uri: str, headers: Any, body: str) -> tuple[str, Any, str]:
            now, active = int(self._clock.now().timestamp()), self._keyring.snapshot.active
            algs = [alg for alg in metadata.assertion_algs or PREFERRED if alg in active]
            if not algs:
                raise UpstreamFault("assertion", "that provider takes no algorithm that we have a key for")
            claims: dict[str, Json] = {
                "iss": client.client_id, "sub": client.client_id, "aud": metadata.issuer, "jti": make_id(), "iat": now,
                "exp": now + ASSERTION_SECONDS,
            }  # fmt: skip
            assertion = self._keyring.sign(claims, alg=algs[0], typ=ASSERTION_TYP)
            sent = {
                "client_id": client.client_id,
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": assertion,
            }
            return uri, headers, "&".join([body, *(f"{name}={quote_plus(value)}" for name, value in sent.items())])

        return prepare


def _by_header(client: ClientAuth, method: str, uri: str, headers: Any, body: str) -> tuple[str, Any, str]:
    text = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret or '')}"
    return uri, {**headers, "authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}, body


def _object(reason: str, body: bytes) -> Mapping[str, Json]:
    try:
        return read_object(body.decode(), max_depth=16)
    except (BadJson, UnicodeDecodeError) as error:
        raise UpstreamFault(reason, "the answer is no JSON object") from error

"""Client authentication by assertion – RFC 7523 §2.2, §3 as updated by RFC 10070; OIDC Core §9.

private_key_jwt and client_secret_jwt. Stricter than RFC 7523: `aud` is our issuer as one string (profile `oidc` may
name the token endpoint, or that which is called: RFC 9126 §2), `exp` is near, `jti` is required and accepted once by
all workers, the algorithm is one that was registered, and no key or URL inside the token is looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from joserfc.jwk import OctKey

from idp.domain.client import AuthMethod, Client
from idp.domain.json import BadJson, Json, read_object
from idp.domain.secret import Digester, from_base64url
from idp.oauth import signed
from idp.oauth.authlib_models import RegisteredClient
from idp.oauth.bridge import wait
from idp.oauth.client_auth.secret import Query
from idp.oauth.keyring import MAX_TOKEN
from idp.oauth.remote_keys import RemoteKeys
from idp.oauth.request import ProtocolRequest
from idp.policy import lifetimes
from idp.policy.profiles import assertion_algs, rules_for
from idp.storage.replays import ReplayStore

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TYPS = (None, "JWT", "client-authentication+jwt")


@dataclass(frozen=True, slots=True)
class AssertionAuthentication:
    """Both assertion methods for Authlib's registry; `method` says which one this instance accepts."""

    method: AuthMethod
    issuer: str
    token_url: str
    replays: ReplayStore
    digester: Digester
    now: datetime
    remote_keys: RemoteKeys | None = None

    def __call__(self, query_client: Query, request: ProtocolRequest) -> RegisteredClient | None:
        """Return the client that signed the assertion, None unless every rule holds; the jti is spent last."""
        text = request.form.get("client_assertion", "")
        if request.form.get("client_assertion_type") != TYPE or len(text) > MAX_TOKEN or text.count(".") != 2:
            return None
        claimed = unverified_subject(text)
        body_id = request.form.get("client_id")
        if claimed is None or (body_id is not None and body_id != claimed):
            return None
        registered = query_client(claimed)
        if registered is None or registered.noun.auth_method is not self.method:
            return None
        claims = self._verified(text, registered.noun)
        here = self.issuer + request.http.path
        if claims is None or not self._claims_hold(claims, registered.noun, here) or not self._is_first_use(claims):
            return None
        return registered

    def _verified(self, text: str, client: Client) -> dict[str, Json] | None:
        try:
            return signed.claims_of(text, self._keys_of(client), algs=assertion_algs(client), typs=TYPS)
        except signed.NotSigned:
            return None

    def _keys_of(self, client: Client) -> signed.Keys:
        if client.auth_method is AuthMethod.SECRET_JWT:
            return lambda _alg, _kid: [OctKey.import_key(client.hmac_secret)] if client.hmac_secret else []
        return signed.of_set(client.jwks if self.remote_keys is None else self.remote_keys.of(client))

    def _claims_hold(self, claims: Mapping[str, Json], client: Client, here: str) -> bool:
        expires, jti = claims.get("exp"), claims.get("jti")
        if claims.get("iss") != client.id or claims.get("sub") != client.id:
            return False
        if not self._is_for_us(claims, client, here):
            return False
        if not isinstance(jti, str) or not 0 < len(jti) <= 256 or not _is_number(expires):
            return False
        seconds = self.now.timestamp()
        ahead = lifetimes.SKEW_AHEAD.total_seconds()
        longest = rules_for(client).longest_assertion.total_seconds()
        if not seconds - lifetimes.SKEW_PAST.total_seconds() < float(expires) <= seconds + longest + ahead:  # type: ignore[arg-type]
            return False
        times = [claims[name] for name in ("iat", "nbf") if name in claims]
        return all(_is_number(value) and float(value) <= seconds + ahead for value in times)  # type: ignore[arg-type]

    def _is_for_us(self, claims: Mapping[str, Json], client: Client, here: str) -> bool:
        """Say whether the audience is ours: the issuer, for profile `oidc` the token endpoint or the one called too."""
        audience = claims.get("aud")
        if not rules_for(client).accepts_token_url_as_audience:
            return audience == self.issuer
        listed = audience if isinstance(audience, list) else [audience]
        return bool(listed) and all(entry in (self.issuer, self.token_url, here) for entry in listed)

    def _is_first_use(self, claims: Mapping[str, Json]) -> bool:
        digest = self.digester.digest("jti", f"{claims['iss']}|{claims['jti']}")
        expires = datetime.fromtimestamp(float(claims["exp"]), UTC)  # type: ignore[arg-type]
        return wait(self.replays.remember(digest, expires + lifetimes.SKEW_PAST))


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**40


def unverified_subject(text: str) -> str | None:
    """Return `sub` as claimed, only to know whose keys to try; None if it is no short string."""
    if len(text) > MAX_TOKEN or text.count(".") != 2:
        return None
    try:
        claims = read_object(from_base64url(text.split(".")[1]).decode(), max_depth=8)
    except (ValueError, BadJson):
        return None
    subject = claims.get("sub")
    return subject if isinstance(subject, str) and len(subject) <= 128 else None

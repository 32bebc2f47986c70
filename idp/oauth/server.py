"""The AuthorizationServer of one request: what is registered, and how it reads clients, answers and records."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from authlib.oauth2 import AuthorizationServer, OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError

from idp.domain.client import AuthMethod, Client
from idp.domain.event import EventKind
from idp.domain.tokens import Grant
from idp.domain.user import User
from idp.domain.waiting import WaitingRequest
from idp.oauth.authlib_models import RegisteredClient
from idp.oauth.bridge import wait
from idp.oauth.client_auth.assertion import AssertionAuthentication, unverified_subject
from idp.oauth.client_auth.mutual_tls import CertificateAuthentication
from idp.oauth.client_auth.secret import Query, SecretAuthentication, no_authentication, read_basic
from idp.oauth.context import Context
from idp.oauth.errors import InvalidClient, plain
from idp.oauth.extensions import dpop
from idp.oauth.extensions.ciba import CibaGrant
from idp.oauth.extensions.device import DeviceGrant
from idp.oauth.extensions.introspection import IntrospectionEndpoint
from idp.oauth.extensions.jwt_bearer import JwtBearerGrant
from idp.oauth.extensions.revocation import RevocationEndpoint
from idp.oauth.extensions.token_exchange import TokenExchangeGrant
from idp.oauth.grants.authorization_code import AuthorizationCodeGrant
from idp.oauth.grants.client_credentials import ClientCredentialsGrant
from idp.oauth.grants.polled import NOT_YET
from idp.oauth.grants.refresh_token import RefreshTokenGrant
from idp.oauth.grants.unknown import UnknownGrant
from idp.oauth.request import Answer, ProtocolRequest, first_repeated
from idp.policy import mutual_tls

GRANTS = (AuthorizationCodeGrant, RefreshTokenGrant, ClientCredentialsGrant, DeviceGrant, CibaGrant)
OF_OPERATORS = (TokenExchangeGrant, JwtBearerGrant)
MAY_REPEAT = frozenset({"resource", "audience"})
#: Errors that are part of an ordinary exchange: too early, or with the nonce that comes along.
QUIET = NOT_YET | {dpop.WANTS_NONCE}
NO_STORE = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))
ENDPOINTS = {endpoint.ENDPOINT_NAME: endpoint for endpoint in (IntrospectionEndpoint, RevocationEndpoint)}
OTHER_METHOD = "auth_method"
ClientAuthMethod = Callable[[Query, ProtocolRequest], RegisteredClient | None]
OwnEndpoint = Callable[["Server", ProtocolRequest], Answer]
#: Tells a person that a client asks them something on their own device (CIBA §7).
Ask = Callable[[Context, Client, User, WaitingRequest], Awaitable[None]]
ReuseNotice = Callable[[Context, Client, Grant, User], Any]


@dataclass(frozen=True, slots=True)
class Unproved:
    """A client that exists, in whose name somebody came who did not prove to be it, and what that failed at."""

    client_id: str
    refused_by: str


class Server(AuthorizationServer):  # type: ignore[misc]
    """Authlib's server over the stores of one transaction."""

    def __init__(
        self, context: Context, *, notice_of_reuse: ReuseNotice | None = None, notice_of_request: Ask | None = None
    ) -> None:
        """Keep what the request needs; what it turns out to use is registered when it does."""
        super().__init__()
        self.context = context
        self._notice_of_reuse = notice_of_reuse
        self._notice_of_request = notice_of_request
        self._only_looks = False
        self.unproved: Unproved | None = None  # whom somebody claimed to be, in vain
        self.next_nonce: str | None = None  # for the client's next DPoP proof

    def _register_authentication(self, method: str) -> ClientAuthMethod:
        """Register one of our client authentication methods with Authlib and return it."""
        context = self.context
        engine = context.engine
        function: ClientAuthMethod
        match AuthMethod(method):
            case AuthMethod.BASIC:
                function = SecretAuthentication(engine.digester, context.now).basic
            case AuthMethod.POST:
                function = SecretAuthentication(engine.digester, context.now).post
            case AuthMethod.NONE:
                function = no_authentication
            case AuthMethod.PRIVATE_KEY_JWT | AuthMethod.SECRET_JWT as by_assertion:
                function = AssertionAuthentication(
                    by_assertion, engine.issuer, engine.url("/token"), context.stores.replays, engine.digester,
                    context.now, engine.remote_keys,
                )  # fmt: skip
            case AuthMethod.TLS | AuthMethod.SELF_SIGNED_TLS as by_certificate:
                function = CertificateAuthentication(by_certificate, engine.remote_keys)
        self.register_client_auth_method(method, function)
        return function

    def query_client(self, client_id: str) -> RegisteredClient | None:
        """Return an active client for Authlib."""
        client = wait(self.context.client(client_id))
        return RegisteredClient(client) if client else None

    def create_oauth2_request(self, request: ProtocolRequest) -> ProtocolRequest:
        """Return the request: it was made before Authlib is entered."""
        return request

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Ignore Authlib's signals: effects are recorded where they happen."""

    def handle_response(self, status: int, body: Any, headers: Sequence[tuple[str, str]]) -> Answer:
        """Return the answer; the web room makes an HTTP response of it."""
        if self.next_nonce is not None:
            headers = [*headers, ("DPoP-Nonce", self.next_nonce)]
        return Answer(status, body, tuple(headers))

    def authenticate_client(
        self, request: ProtocolRequest, methods: Sequence[str], endpoint: str = "token"
    ) -> RegisteredClient:
        """Return the client behind the one credential presented (RFC 6749 §2.3.1: only one method a request).

        Raises InvalidRequestError for two credentials, InvalidClient for anything that does not prove a client.
        """
        used_header = "authorization" in request.http.headers
        presented = self._with_certificate(request, presented_methods(request))
        if len(presented) > 1:
            raise InvalidRequestError("more than one client authentication method was used")
        for method in presented:
            client = self._register_authentication(method)(self.query_client, request)
            if client is not None and method in methods and client.check_endpoint_auth_method(method, endpoint):
                request.auth_method = method
                return client
        self.unproved = self._unproved(request, presented)
        raise InvalidClient(used_header=used_header)

    def _with_certificate(self, request: ProtocolRequest, presented: list[str]) -> list[str]:
        """Return the methods with that of a client which sent nothing but its id, and proves itself by certificate."""
        if presented != [AuthMethod.NONE] or request.http.certificate is None:
            return presented
        client = self.query_client(request.form["client_id"])
        if client is None or client.noun.auth_method not in mutual_tls.METHODS:
            return presented
        return [client.noun.auth_method.value]

    def _unproved(self, request: ProtocolRequest, presented: Sequence[str]) -> Unproved | None:
        """Return whom somebody claimed to be without proving it, and by which method that failed; None for nobody."""
        client_id = claimed_id(request)
        client = wait(self.context.client(client_id)) if client_id is not None else None
        if client is None:
            return None
        is_its_method = [client.auth_method.value] == list(presented)
        return Unproved(client.id, presented[0] if is_its_method else OTHER_METHOD)

    def token_response(self, request: ProtocolRequest) -> Answer:
        """Answer a request to the token endpoint (RFC 6749 §3.2, §5)."""
        repeated = first_repeated(request.http.form, except_for=MAY_REPEAT)
        if repeated is not None:
            return self.handle_error_response(request, InvalidRequestError(plain(f"{repeated} was sent twice")))
        if not request.payload.grant_type:
            return self.handle_error_response(request, InvalidRequestError("grant_type is missing"))
        answer: Answer = self.create_token_response(request)
        return answer

    def get_token_grant(self, request: ProtocolRequest) -> Any:
        """Return the grant for grant_type; for an unknown one, a grant that refuses whoever proves to be a client."""
        offered = {grant.GRANT_TYPE: grant for grant in (*GRANTS, *OF_OPERATORS)}
        return offered.get(request.payload.grant_type, UnknownGrant)(request, self)

    def endpoint_response(self, name: str, request: ProtocolRequest) -> Answer:
        """Answer a request to the introspection or revocation endpoint."""
        repeated = first_repeated(request.http.form)
        if repeated is not None:
            return self.handle_error_response(request, InvalidRequestError(plain(f"{repeated} was sent twice")))
        self._only_looks = name == IntrospectionEndpoint.ENDPOINT_NAME
        self.register_endpoint(ENDPOINTS[name])
        answer: Answer = self.create_endpoint_response(name, request)
        return answer

    def answered_by(self, endpoint: OwnEndpoint, request: ProtocolRequest) -> Answer:
        """Answer a request to an endpoint that Authlib does not have."""
        repeated = first_repeated(request.http.form, except_for=MAY_REPEAT)
        if repeated is not None:
            return self.handle_error_response(request, InvalidRequestError(plain(f"{repeated} was sent twice")))
        try:
            return endpoint(self, request)
        except OAuth2Error as error:
            return self.handle_error_response(request, error)

    def handle_error_response(self, request: ProtocolRequest, error: OAuth2Error) -> Answer:
        """Return the JSON error, and leave an audit row when an authenticated client was refused what it wanted.

        Introspection only looks, who polls only waits, and whoever is told a nonce tries again with it: that changes
        nothing, and leaves nothing in the trail.
        """
        client: RegisteredClient | None = request.client
        if client is not None and not self._only_looks and error.error not in QUIET:
            kind = EventKind.TOKEN_REFUSED
            refused_by = getattr(error, "refused_by", None)
            wait(self.context.record(kind, client_id=client.noun.id, error=error.error, refused_by=refused_by))
        if isinstance(error, dpop.BadProof):
            self.next_nonce = dpop.nonce(self.context.engine.digester, self.context.now)
        status, body, headers = error(None)
        return self.handle_response(status, body, headers)

    def tell_of_request(self, client: Client, user: User, asked: WaitingRequest) -> None:
        """Tell a person that a client asks them something."""
        if self._notice_of_request is not None:
            wait(self._notice_of_request(self.context, client, user, asked))

    def tell_of_reuse(self, grant: Grant, user: User | None) -> None:
        """Tell a person that a refresh token of theirs was used twice."""
        if self._notice_of_reuse is None or user is None:
            return
        client = wait(self.context.client(grant.client_id))
        if client is not None:
            wait(self._notice_of_reuse(self.context, client, grant, user))


def claimed_id(request: ProtocolRequest) -> str | None:
    """Return whom the credential of a request names, proved or not."""
    if "authorization" in request.http.headers:
        basic = read_basic(request.http.headers["authorization"])
        return basic.client_id if basic is not None else None
    return request.form.get("client_id") or unverified_subject(request.form.get("client_assertion", ""))


def presented_methods(request: ProtocolRequest) -> list[str]:
    """Return the client authentication methods whose credentials the request carries."""
    form = request.form
    presented = []
    if "authorization" in request.http.headers:
        presented.append(AuthMethod.BASIC.value)
    if "client_secret" in form:
        presented.append(AuthMethod.POST.value)
    if "client_assertion" in form or "client_assertion_type" in form:
        presented.append(_assertion_method(form.get("client_assertion", "")))
    if not presented and "client_id" in form:
        presented.append(AuthMethod.NONE.value)
    return presented


def _assertion_method(assertion: str) -> str:
    from idp.oauth.keyring import read_header

    alg = read_header(assertion).get("alg")
    is_hmac = isinstance(alg, str) and alg.startswith("HS")
    return (AuthMethod.SECRET_JWT if is_hmac else AuthMethod.PRIVATE_KEY_JWT).value

"""The identity provider as seen by its client, spoken to by Authlib's Starlette client.

Authlib makes state, nonce and the PKCE challenge, redeems the code and checks the ID token. Added here, because Authlib
leaves it to the application: the issuer of the metadata (OIDC Discovery §4.3), the issuer of the response (RFC 9207),
the subject of userinfo and of refreshed ID tokens (OIDC Core §5.3.2, §12.2), and faults put into words.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx2
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.integrations.starlette_client import OAuth, OAuthError
from joserfc.errors import JoseError
from starlette.requests import Request
from starlette.responses import Response

from idp.demo.config import Config
from idp.demo.problems import Problem

SCOPE = "openid profile email offline_access"
SECONDS_TO_WAIT = 10
Document = Mapping[str, object]


class Provider:
    """Everything the demo asks of the provider. Every method raises Problem when the answer is not a good one."""

    def __init__(self, config: Config) -> None:
        self._config = config
        # The demo talks to one known address; a proxy named in the environment is for other addresses.
        # Authlib opens a new HTTP client each time; reading all trusted certificates each time would be slow.
        self._http = {"timeout": SECONDS_TO_WAIT, "trust_env": False, "verify": httpx2.create_ssl_context()}
        self._client = OAuth().register(
            "idp",
            client_id=config.client_id,
            client_secret=config.client_secret,
            server_metadata_url=config.issuer.rstrip("/") + "/.well-known/openid-configuration",
            client_kwargs={
                "scope": SCOPE,
                "code_challenge_method": "S256",
                "token_endpoint_auth_method": "client_secret_basic",
                **self._http,
            },
        )

    async def metadata(self) -> Document:
        """Return the discovery document, fetched at first use and then kept."""
        with _faults_in_words():
            metadata: Document = await self._client.load_server_metadata()
        if metadata.get("issuer") != self._config.issuer:
            self._client.server_metadata.clear()
            raise Problem("wrong_issuer", f"the metadata names {metadata.get('issuer')!r}", status=502)
        return metadata

    async def begin(self, request: Request, wishes: Mapping[str, str]) -> Response:
        """Send the browser to the authorization endpoint; `wishes` are extra request parameters."""
        await self.metadata()
        with _faults_in_words():
            answer: Response = await self._client.authorize_redirect(request, self._config.redirect_uri, **wishes)
        return answer

    async def finish(self, request: Request) -> Document:
        """Turn the authorization response into tokens; the checked ID token claims are under `userinfo`."""
        await self._check_issuer_of(request)
        with _faults_in_words():
            answer: Document = await self._client.authorize_access_token(request)
        if not isinstance(answer.get("userinfo"), Mapping):
            raise Problem("id_token_refused", "the answer has no ID token", status=502)
        return answer

    async def refresh(self, refresh_token: str, scope: str, subject: str) -> Document:
        """Trade the refresh token for new tokens of the scope that was granted, about the same person."""
        await self.metadata()
        with _faults_in_words():
            answer: Document = await self._client.fetch_access_token(
                grant_type="refresh_token",
                refresh_token=refresh_token,
                scope=scope,  # else Authlib asks for all it asked for first, and too much is an error
            )
            claims: Document | None = await self._client.parse_id_token(answer, nonce=None)
        if claims is not None and claims.get("sub") != subject:
            raise Problem("wrong_subject", status=502)
        return answer

    async def userinfo(self, access_token: str, subject: str) -> Document:
        """Ask what the provider tells about the person behind the access token."""
        await self.metadata()
        # Without its refresh token, so that Authlib does not refresh silently: the visitor shall see what happens.
        token = {"access_token": access_token, "token_type": "Bearer"}
        with _faults_in_words():
            answer: Document = await self._client.userinfo(token=token)
        if answer.get("sub") != subject:
            raise Problem("wrong_subject", status=502)
        return dict(answer)

    async def introspect(self, access_token: str) -> Document:
        """Ask the provider what the access token means (RFC 7662)."""
        endpoint = str((await self.metadata())["introspection_endpoint"])
        config = self._config
        with _faults_in_words():
            async with AsyncOAuth2Client(config.client_id, config.client_secret, **self._http) as client:
                response = await client.introspect_token(endpoint, token=access_token)
            response.raise_for_status()
            answer = response.json()
        if not isinstance(answer, dict):
            raise Problem("provider_answer_unusable", status=502)
        return answer

    async def sign_out(self, request: Request, id_token: str) -> Response:
        """Send the browser to the end session endpoint (RP-Initiated Logout §2)."""
        await self.metadata()
        with _faults_in_words():
            answer: Response = await self._client.logout_redirect(
                request, post_logout_redirect_uri=self._config.post_logout_redirect_uri, id_token_hint=id_token
            )
        return answer

    async def came_from_sign_out(self, request: Request) -> bool:
        """Say whether this request carries the state of a sign-out that began here."""
        try:
            await self._client.validate_logout_response(request)
        except OAuthError:
            return False
        return True

    async def _check_issuer_of(self, request: Request) -> None:
        """Refuse an answer of another provider, error answers included (RFC 9207 §2.4)."""
        metadata = await self.metadata()
        issuer = request.query_params.get("iss")
        promised = metadata.get("authorization_response_iss_parameter_supported") is True
        if issuer != self._config.issuer and (promised or issuer is not None):
            raise Problem("wrong_issuer", "the iss parameter is " + ("missing" if issuer is None else "another"))


@contextmanager
def _faults_in_words() -> Iterator[None]:
    """Turn what Authlib and the HTTP client raise into a Problem."""
    try:
        yield
    except OAuthError as error:
        raise Problem(error.error, error.description or "") from error
    except JoseError as error:
        raise Problem("id_token_refused", str(error), status=502) from error
    except httpx2.HTTPStatusError as error:
        raise _refusal(error.response) from error
    except httpx2.HTTPError as error:
        raise Problem("provider_unreachable", status=503) from error
    except (ValueError, KeyError) as error:  # not JSON, or a member is missing
        raise Problem("provider_answer_unusable", status=502) from error


def _refusal(response: httpx2.Response) -> Problem:
    """Read the error out of a refused request: the provider's own code where it gives one."""
    detail = f"HTTP status {response.status_code}"
    if response.status_code >= 500:
        return Problem("server_error", detail, status=502)
    if response.status_code == 401 and "bearer" in response.headers.get("WWW-Authenticate", "").lower():
        return Problem("invalid_token", detail)
    try:
        error = response.json()
    except ValueError:
        return Problem("provider_answer_unusable", detail, status=502)
    if not isinstance(error, dict) or not isinstance(error.get("error"), str):
        return Problem("provider_answer_unusable", detail, status=502)
    return Problem(error["error"], str(error.get("error_description", detail)))

"""What a signed-in visitor sees and can try: the tokens explained, refresh, userinfo, introspection."""

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from idp.demo.config import Config
from idp.demo.pages import Pages
from idp.demo.problems import Problem
from idp.demo.provider import Provider
from idp.demo.tokens import claims_of, decode, moment, shorten
from idp.demo.visits import Answer, Change, Tokens, Visit, Visits


class SignedIn:
    """The home page, and the buttons on it. Each button stores its answer and leads back home."""

    def __init__(self, config: Config, provider: Provider, visits: Visits, pages: Pages) -> None:
        self._config = config
        self._provider = provider
        self._visits = visits
        self._pages = pages

    async def home(self, request: Request) -> Response:
        """Show "Sign in", or the visitor's tokens."""
        visit = self._visits.find(request.session.get("visit"))
        if visit is None:
            return self._pages.show("home")
        now = datetime.now(UTC)
        return self._pages.show(
            "signed_in",
            visit=visit,
            id_token=decode(visit.tokens.id_token, now),
            access_token=decode(visit.tokens.access_token, now),
            still_good=visit.tokens.expires_at is None or visit.tokens.expires_at > now,
        )

    async def refresh(self, request: Request) -> Response:
        """Trade the refresh token in, and show what is different now (RFC 6749 §6)."""
        visit = self._visit(request)
        async with visit.refreshing:
            before = visit.tokens
            if before.refresh_token is None:
                raise Problem("invalid_grant", "there is no refresh token")
            answer = await self._provider.refresh(before.refresh_token, before.scope, str(visit.claims["sub"]))
            now = datetime.now(UTC)
            visit.tokens = Tokens.from_answer(answer, now, before)
        visit.answer = Answer(
            "The tokens were refreshed",
            "The refresh token was sent to the token endpoint. Nobody had to sign in, and no page was shown.",
            now,
            changes=_changes(before, visit.tokens, now),
        )
        return self._back_home()

    async def userinfo(self, request: Request) -> Response:
        """Show what the provider tells the bearer of the access token (OIDC Core §5.3)."""
        visit = self._visit(request)
        visit.person = await self._provider.userinfo(visit.tokens.access_token, str(visit.claims["sub"]))
        visit.answer = Answer(
            "What the provider says about you",
            "The access token was shown at the userinfo endpoint. Its scopes decide which claims come back.",
            datetime.now(UTC),
            document=visit.person,
        )
        return self._back_home()

    async def introspect(self, request: Request) -> Response:
        """Show what the provider says about the access token (RFC 7662)."""
        visit = self._visit(request)
        visit.answer = Answer(
            "What the provider says about the access token",
            "The token was sent to the introspection endpoint. Unlike the token itself, this answer knows at once when "
            "the token was revoked.",
            datetime.now(UTC),
            document=await self._provider.introspect(visit.tokens.access_token),
        )
        return self._back_home()

    def _visit(self, request: Request) -> Visit:
        visit = self._visits.find(request.session.get("visit"))
        if visit is None:
            raise Problem("nobody_signed_in", status=401)
        return visit

    def _back_home(self) -> Response:
        return RedirectResponse(self._config.base_url + "/#answer", 303)


def _changes(before: Tokens, after: Tokens, now: datetime) -> tuple[Change, ...]:
    """Say what a refresh changed and, as important, what it did not."""
    return (
        Change(
            "Access token",
            shorten(_claim(before.access_token, "jti")),
            shorten(_claim(after.access_token, "jti")),
            "A new one, told apart here by its jti. The old one stays good until it expires.",
        ),
        Change("Expires", _ends(before, now), _ends(after, now), "The new token begins its life now."),
        Change(
            "Refresh token",
            shorten(before.refresh_token or ""),
            shorten(after.refresh_token or ""),
            _rotation(before, after),
        ),
        Change(
            "Time of sign-in",
            _signed_in_at(before, now),
            _signed_in_at(after, now),
            "Must stay the same: renewing tokens is not signing in.",
        ),
    )


def _claim(token: str, name: str) -> str:
    """Return one claim of a JWT as text; an opaque token stands for itself."""
    claims = claims_of(token)
    return str(claims.get(name, "")) if claims else token


def _signed_in_at(tokens: Tokens, now: datetime) -> str:
    auth_time = claims_of(tokens.id_token).get("auth_time")
    return moment(datetime.fromtimestamp(auth_time, UTC), now) if isinstance(auth_time, int) else "not told"


def _ends(tokens: Tokens, now: datetime) -> str:
    return moment(tokens.expires_at, now) if tokens.expires_at else "not told"


def _rotation(before: Tokens, after: Tokens) -> str:
    if before.refresh_token == after.refresh_token:
        return "The same as before: this provider did not rotate it."
    return "Rotated: the old one is spent. Showing it again would be treated as theft."

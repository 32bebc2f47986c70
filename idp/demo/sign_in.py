"""From "Sign in" to a visit, and from "Sign out" to none.

`/login` may also be opened by the provider or a portal (third-party-initiated login, OIDC Core §4): it takes `iss`,
which must be ours, `login_hint`, and `target_link_uri`, which must lead to a page of this site.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from idp.demo.config import Config
from idp.demo.pages import Pages
from idp.demo.problems import Problem
from idp.demo.provider import Provider
from idp.demo.visits import Tokens, Visit, Visits

#: What a link to /login may ask for on top of the ordinary request.
WISHES = ("prompt", "max_age", "login_hint", "acr_values", "ui_locales")
LONGEST_WISH = 256
CLOCK_SKEW_SECONDS = 60


class SignIn:
    """The pages that begin and end a visit."""

    def __init__(self, config: Config, provider: Provider, visits: Visits, pages: Pages) -> None:
        self._config = config
        self._provider = provider
        self._visits = visits
        self._pages = pages

    async def login(self, request: Request) -> Response:
        """Send the browser to the provider."""
        asked = dict(request.query_params)
        if request.method == "POST":
            asked |= dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        if asked.get("iss", self._config.issuer) != self._config.issuer:
            raise Problem("foreign_issuer")
        target = self._own_page(asked["target_link_uri"]) if asked.get("target_link_uri") else "/"
        wishes = {name: asked[name][:LONGEST_WISH] for name in WISHES if asked.get(name)}

        answer = await self._provider.begin(request, wishes)
        request.session["asked"] = {"target": target, "not_before": _oldest_sign_in(wishes)}
        return answer

    async def callback(self, request: Request) -> Response:
        """Redeem the code and open a visit under a new key."""
        asked = request.session.pop("asked", {})
        answer = await self._provider.finish(request)
        claims = answer["userinfo"]
        assert isinstance(claims, Mapping)  # Provider.finish promises it
        _check_freshness(claims, asked.get("not_before"))
        tokens = Tokens.from_answer(answer, datetime.now(UTC))

        person = await self._provider.userinfo(tokens.access_token, str(claims["sub"]))

        before = self._visits.close(request.session.get("visit"))
        waiting = before.transfer if before is not None and before.claims["sub"] == claims["sub"] else None
        transfer = replace(waiting, challenge="") if waiting is not None else None  # the bank has not seen these tokens
        request.session["visit"] = self._visits.open(Visit(tokens, claims, person, transfer=transfer))
        return RedirectResponse(self._config.base_url + asked.get("target", "/"), 303)

    async def logout(self, request: Request) -> Response:
        """End the visit here, then let the provider end its own session."""
        visit = self._visits.close(request.session.pop("visit", None))
        if visit is None:
            return RedirectResponse(self._config.post_logout_redirect_uri, 303)
        return await self._provider.sign_out(request, visit.tokens.id_token)

    async def signed_out(self, request: Request) -> Response:
        """Say goodbye; also reached by somebody who was not signed in at all."""
        proven = await self._provider.came_from_sign_out(request)
        return self._pages.show("signed_out", proven=proven)

    def _own_page(self, address: str) -> str:
        """Return path and query of an address of this site, so that no link can lead people elsewhere."""
        try:
            parts = urlsplit(address)
        except ValueError as error:
            raise Problem("foreign_target") from error
        own = urlsplit(self._config.base_url)
        if (parts.scheme, parts.netloc) != (own.scheme, own.netloc) or len(address) > LONGEST_WISH:
            raise Problem("foreign_target")
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _oldest_sign_in(wishes: Mapping[str, str]) -> float | None:
    """Return the earliest `auth_time` that keeps what was asked by max_age or prompt=login.

    Counted from the moment of asking, not of the answer: how long somebody reads the consent page changes nothing.
    """
    if "login" in wishes.get("prompt", "").split():
        return time.time() - CLOCK_SKEW_SECONDS
    if wishes.get("max_age", "").isdecimal():
        return time.time() - int(wishes["max_age"]) - CLOCK_SKEW_SECONDS
    return None


def _check_freshness(claims: Mapping[str, object], not_before: float | None) -> None:
    """Refuse a sign-in that is older than was asked (OIDC Core §3.1.3.7, step 13)."""
    if not_before is None:
        return
    auth_time = claims.get("auth_time")
    if not isinstance(auth_time, int | float) or auth_time < not_before:
        raise Problem("sign_in_too_old")

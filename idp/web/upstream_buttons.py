"""The buttons of other providers on the sign-in page."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request

from idp.domain.upstream import Upstream
from idp.flows.authorization import Standing
from idp.web.site import site_of
from idp.wiring import Stores

#: Why somebody came back without having signed in, as the sign-in page says it.
PROBLEMS = frozenset({"cancelled", "refused", "not_fresh", "unavailable"})


@dataclass(frozen=True, slots=True)
class Button:
    """Another provider as the sign-in page shows it: `text` is the operator's, if there is one."""

    id: str
    name: str
    text: str
    logo: str | None


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What the sign-in page says of other providers; `linking` is one whose identity waits to be linked."""

    buttons: tuple[Button, ...] = ()
    action: str = ""
    linking: str | None = None
    problem: str | None = None


async def elsewhere(request: Request, stores: Stores, standing: Standing) -> Elsewhere:
    """Return what the sign-in page says of other providers; a problem is one that we have words for."""
    active, problem = await stores.upstreams.active(), request.query_params.get("problem")
    if not active:
        return Elsewhere(problem=problem if problem in PROBLEMS else None)
    session, chosen = standing.session, active
    if session is not None and not (standing.interaction.account_chosen and standing.interaction.session_id == ""):
        linked = {each.upstream_id for each in await stores.upstream_identities.of_user(session.user_id)}
        chosen = [each for each in active if each.id in linked]  # confirming that it is them: only by what is theirs
    waiting = standing.interaction.linking
    return Elsewhere(
        tuple(button(request, each) for each in _home_first(chosen, standing) if each.id != waiting),
        f"{site_of(request).settings.base_path}/upstream/{standing.interaction.id}/go",
        next((each.name for each in active if each.id == waiting), None),
        problem if problem in PROBLEMS else None,
    )


def _home_first(active: Sequence[Upstream], standing: Standing) -> Sequence[Upstream]:
    """Put the provider of the address that the client named before the others."""
    hint = (standing.request.login_hint if standing.request is not None else None) or ""
    return sorted(active, key=lambda each: not each.is_home_of(hint))


def button(request: Request, upstream: Upstream) -> Button:
    """Return a provider's button."""
    logo = f"{site_of(request).settings.base_path}/brand/upstream/{upstream.id}/logo" if upstream.has_logo else None
    return Button(upstream.id, upstream.name, upstream.button, logo)

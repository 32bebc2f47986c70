"""Versions of the policy: looked at, compared, replayed on the past, and moved from one state to the next."""

from collections.abc import Awaitable, Callable

from starlette.responses import JSONResponse, Response

from idp.domain.permission import Permission
from idp.flows import adviser_view, policy_draft, policy_view
from idp.flows.policy_rollout import PolicyRollout
from idp.flows.policy_states import NoSuchVersion, RolloutRaced, RolloutRefused
from idp.flows.policy_view import Simulated
from idp.web.admin.gate import Desk, admin
from idp.web.errors import NO_STORE
from idp.web.site import site_of
from idp.wiring.adviser import prices
from idp.wiring.risk import own_text

CANARY_SHARE = 10  # per cent of people
LONGEST_NAME = 200


def _rollout(desk: Desk) -> PolicyRollout:
    return site_of(desk.request).rollout


def _version(desk: Desk) -> int:
    number: int = desk.request.path_params["version"]
    return min(number, 1 << 30)  # what no database column could hold is no version either


async def _list(desk: Desk) -> Response:
    site = site_of(desk.request)
    found = await policy_view.versions(site.transactions, desk.risk.policies.own)
    adviser = await adviser_view.standing(site.transactions, site.clock, site.digester, prices(site.settings))
    return desk.page(
        "admin/policies.html", versions=found.lines, active=found.active, adviser=adviser,
        model=_model(desk), longest=policy_draft.LONGEST,
    )  # fmt: skip


async def _new(desk: Desk) -> Response:
    """Take a text; one that is refused comes back with what is wrong, line by line."""
    text = desk.fields.get("text", "").replace("\r\n", "\n")
    faults: tuple[str, ...] = ()
    if desk.is_post:
        stored = await policy_view.submit(_rollout(desk), site_of(desk.request).engine.rules, text, desk.mover)
        if not isinstance(stored, tuple):
            return desk.go(f"/admin/policies/{stored.version}")
        faults = stored
    return desk.page("admin/policy_new.html", status=400 if faults else 200, text=text, faults=faults)


async def _described(desk: Desk) -> Response:
    """Read a sentence as a rule, and show what that would change; only the form below it stores anything."""
    sentence = desk.fields.get("sentence", "").strip()[: policy_draft.LONGEST]
    site, found = site_of(desk.request), None
    if sentence:
        found = await policy_draft.describe(
            site.transactions, desk.risk.policies.own, own_text(site.settings), site.engine.rules, sentence,
            site.writer, site.clock.now(),
        )  # fmt: skip
    is_empty = found is not None and found.proposal is None
    return desk.page(
        "admin/policy_described.html", status=400 if is_empty else 200, sentence=sentence, found=found,
        model=_model(desk), longest=policy_draft.LONGEST,
    )  # fmt: skip


def _model(desk: Desk) -> str | None:
    """Return the name of the model to which a sentence would be sent."""
    writer = site_of(desk.request).writer
    return None if writer is None else writer.model


async def _one(desk: Desk) -> Response:
    refused: tuple[str, ...] = ()
    may_override, is_raced = False, False
    step = next((STEPS[name] for name in STEPS if f"policy-{name}" in desk.fields), None)
    if step is not None:
        try:
            await step(desk, _rollout(desk), _version(desk))
            return desk.go(f"/admin/policies/{_version(desk)}")
        except RolloutRefused as error:
            refused, may_override = error.reasons, error.may_override
        except (RolloutRaced, NoSuchVersion):
            is_raced = True
    site = site_of(desk.request)
    view = await policy_view.look(site.transactions, desk.risk.policies.own, site.engine.rules, _version(desk))
    if view is None:
        return desk.missing()
    return desk.page(
        "admin/policy.html", status=409 if refused or is_raced else 200, view=view, refused=refused,
        may_override=may_override, is_raced=is_raced,
    )  # fmt: skip


async def _shadow(desk: Desk, rollout: PolicyRollout, version: int) -> None:
    await rollout.shadow(version, desk.mover)


async def _canary(desk: Desk, rollout: PolicyRollout, version: int) -> None:
    await rollout.promote(version, desk.mover, canary=CANARY_SHARE, override=_override(desk))


async def _enforce(desk: Desk, rollout: PolicyRollout, version: int) -> None:
    await rollout.promote(version, desk.mover, override=_override(desk))


async def _revert(desk: Desk, rollout: PolicyRollout, version: int) -> None:
    await rollout.revert(desk.mover, only=version)


def _override(desk: Desk) -> str | None:
    """Return the name that was typed to waive the lockout replay."""
    return desk.fields.get("override", "").strip()[:LONGEST_NAME] or None


Step = Callable[[Desk, PolicyRollout, int], Awaitable[None]]
STEPS: dict[str, Step] = {"shadow": _shadow, "canary": _canary, "enforce": _enforce, "revert": _revert}


async def _simulated(desk: Desk) -> Simulated | None:
    site = site_of(desk.request)
    return await policy_view.simulate(
        site.transactions, _rollout(desk), _version(desk), site.clock.now(), desk.mover
    )  # fmt: skip


async def _simulation(desk: Desk) -> Response:
    found = await _simulated(desk)
    if found is None:
        return desk.missing()
    return desk.page("admin/policy_simulation.html", version=_version(desk), report=found)


async def _report(desk: Desk) -> Response:
    found = await _simulated(desk)
    return desk.missing() if found is None else JSONResponse(found.document, headers=NO_STORE)


policies = admin(_list, Permission.POLICIES_READ)
policy_new = admin(
    _new, Permission.POLICIES_WRITE, fresh=False
)  # whoever wrote for longer than a proof lasts keeps the text
policy_described = admin(_described, Permission.POLICIES_WRITE)
policy = admin(_one, Permission.POLICIES_READ, writing=Permission.POLICIES_WRITE)
simulation = admin(_simulation, Permission.POLICIES_READ)
report = admin(_report, Permission.POLICIES_READ)

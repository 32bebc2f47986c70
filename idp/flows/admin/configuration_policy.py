"""The part of a configuration file that says which step-up policy decides."""

from idp.domain.event import ActorKind
from idp.flows.admin.configuration_definitions import Note
from idp.flows.admin.operation import Work
from idp.flows.admin.problem import Code, Problem
from idp.flows.policy_rollout import standing
from idp.flows.policy_states import Mover, RolloutRaced, RolloutRefused
from idp.policy import rule_file


async def plan(work: Work, text: str, note: Note) -> str | None:
    """Return the policy that is to decide, and note it; None if it decides already."""
    deciding = (await standing(work.stores)).enforced
    desk = work.tools.engine.risk
    now = deciding.text if deciding is not None else None
    digest = rule_file.digest_of(text)
    own = desk.policies.own.digest if desk is not None and deciding is None else None
    if digest == own or (deciding is not None and digest == deciding.digest) or text == now:
        return None
    note("policy", "policy", "update", {"digest": deciding.digest if deciding else own}, {"digest": digest})
    return text


async def promote(work: Work, text: str | None) -> None:
    """Let a policy decide; raise Problem if it cannot."""
    if text is None:
        return
    actor = work.caller.actor
    said = {ActorKind.USER: "administrator ", ActorKind.COMMAND_LINE: "command line: "}.get(actor.kind, "client ")
    mover = Mover(f"{said}{actor.id or ''}", "configuration")
    try:
        stored = await work.tools.rollout.add(text, mover)
        await work.tools.rollout.promote(stored.version, mover)
    except (RolloutRefused, RolloutRaced) as error:
        raise Problem(Code.CONFLICT, f"groups and clients are as the file says, the policy is not: {error}") from error

"""How often a client may call the administrators' API, for one person or for itself: reading and changing apart."""

from idp.flows.admin.problem import Code, Problem
from idp.flows.admin.tools import Tools
from idp.policy import lockout


async def reserve(tools: Tools, bearer: str, *, is_reading: bool) -> None:
    """Count a call before anything is done for it; raise Problem if there were too many within a minute."""
    if not tools.engine.limits_floods:
        return
    limit = lockout.API_READING if is_reading else lockout.API_WRITING
    subject = tools.engine.digester.digest("api_calls", f"{'reading' if is_reading else 'writing'}|{bearer}")
    async with tools.transactions.open(write=True) as stores:
        counted = await stores.attempts.add_in_window(subject, tools.clock.now(), window=lockout.API_WINDOW)
    if counted > limit:
        raise Problem(Code.TOO_MANY, f"at most {limit} such calls a minute", wait=lockout.API_WINDOW)

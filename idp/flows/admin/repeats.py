"""A call that comes again under its idempotency key acts once, and is answered as it was the first time.

The key is taken before anything is done. The answer is kept in the transaction of the effect: a process that dies
between the two has done neither, and its key is free after a short while. An operation that opens transactions of its
own cannot promise that: its key stays taken, so that it never acts twice.
Not here: which header carries the key → web/api.
"""

import json
from collections.abc import Mapping
from datetime import timedelta

from idp.domain.json import Json, JsonObject
from idp.domain.secret import Digest
from idp.flows.admin.operation import Administration, Caller, I, O, Operation, Output
from idp.flows.admin.problem import Code, Problem
from idp.storage.idempotency import Answered
from idp.storage.stores import Stores

KEPT = timedelta(hours=24)
_TAKEN = timedelta(minutes=2)  # no request lives that long


async def call_once(
    administration: Administration, operation: Operation[I, O], caller: Caller, given: Mapping[str, object], key: str
) -> JsonObject:
    """Do an operation unless it was done under this key before, and return what it gives as a document.

    `key` names its owner as well. Raises Problem also for a key that is taken by another request, or under way.
    """
    if not administration.admits(operation, caller):  # nor is an old answer shown to whoever lost the right to ask
        return (await administration.call(operation, caller, given)).model_dump(mode="json")
    tools = administration.tools
    digester, now = tools.engine.digester, tools.clock.now()
    wanted = json.dumps([operation.name, given], sort_keys=True, default=str)
    taken, request = digester.digest("idempotency_key", key), digester.digest("idempotent_request", wanted)
    until = now + (KEPT if operation.opens_its_own else _TAKEN)
    async with tools.transactions.open(write=True) as stores:
        known = await stores.idempotency.claim(taken, request, expires_at=until, now=now)
    if known is not None:
        return _answered(known, request)

    async def keep(stores: Stores, output: Output) -> None:
        body: Json = output.model_dump(mode="json")
        is_ours = await stores.idempotency.answer(
            taken, operation.status, body, claimed_until=until, expires_at=now + KEPT
        )
        if not is_ours:
            raise Problem(Code.UNDER_WAY, "this took so long that the same request was begun again")

    try:
        return (await administration.call(operation, caller, given, keep=keep)).model_dump(mode="json")
    except Problem:
        async with tools.transactions.open(write=True) as stores:
            await stores.idempotency.release(taken, claimed_until=until)
        raise


def _answered(known: Answered, request: Digest) -> JsonObject:
    if known.request != request:
        raise Problem(Code.KEY_REUSED, "this idempotency key was used for another request")
    if known.status is None or not isinstance(known.body, Mapping):
        raise Problem(Code.UNDER_WAY, "the request with this idempotency key is still under way")
    return known.body

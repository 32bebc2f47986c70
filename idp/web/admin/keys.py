"""Signing keys: which there are; turned over, retired or revoked, each on a page that asks again."""

from starlette.responses import Response

from idp.domain.permission import Permission
from idp.flows.admin import keys
from idp.flows.admin.keys import KeyWanted
from idp.flows.admin.operation import O, Operation
from idp.flows.admin.problem import Problem
from idp.web.admin.gate import Desk, Page, admin

BACK = "/admin/keys"


async def _list(desk: Desk) -> Response:
    found = await desk.do(keys.LIST)
    return desk.page("admin/keys.html", keys=found.items[::-1])


async def _rotate(desk: Desk) -> Response:
    if not desk.is_post:
        return desk.page("admin/key_danger.html", word="rotate", kid="", back=BACK)
    try:
        await desk.do(keys.ROTATE)
    except Problem as problem:
        return desk.refused(problem, back=BACK)
    return desk.go(BACK, done="keys-rotated")


def _ending(operation: Operation[KeyWanted, O], word: str, done: str) -> Page:
    async def handler(desk: Desk) -> Response:
        kid = desk.request.path_params["kid"]
        if desk.is_post:
            try:
                await desk.do(operation, kid=kid)
            except Problem as problem:
                return desk.refused(problem, back=BACK)
            return desk.go(BACK, done=done)
        found = await desk.do(keys.LIST)
        if kid not in {each.kid for each in found.items}:
            return desk.missing()
        return desk.page("admin/key_danger.html", word=word, kid=kid, back=BACK)

    return admin(handler, Permission.KEYS_WRITE)


listed = admin(_list, Permission.KEYS_READ, fresh=False)
rotate = admin(_rotate, Permission.KEYS_WRITE)
retire = _ending(keys.RETIRE, "retire", "key-retired")
revoke = _ending(keys.REVOKE, "revoke", "key-revoked")

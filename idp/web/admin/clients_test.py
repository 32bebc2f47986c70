"""The test of a client in this browser: its beginning, and what came of it, shown once."""

import json
from collections.abc import Mapping

from starlette.responses import Response

from idp.domain.document_url import from_path_name
from idp.domain.json import Json
from idp.domain.permission import Permission
from idp.flows import client_test
from idp.flows.admin import clients
from idp.flows.admin.operation import Work
from idp.flows.authorization import Outcome
from idp.flows.client_test import Ended
from idp.web.admin.gate import Desk, admin
from idp.web.authorize import to_response
from idp.web.site import context_of, site_of
from idp.wiring import Stores

MASK = "••••••••"


def _work(desk: Desk, stores: Stores) -> Work:
    site = site_of(desk.request)
    return Work(desk.caller, site.administration.tools, site.clock.now(), stores)


async def _begin(desk: Desk) -> Response:
    shown = await desk.do(clients.SHOW, id=from_path_name(desk.request.path_params["client"]))
    if not desk.is_post:
        return desk.page("admin/client_test.html", client=shown, ended=None, is_over=False)
    site = site_of(desk.request)
    await site.watch.refresh()
    await site.engine.keyring.refresh()

    async def work(stores: Stores) -> Outcome:
        context = context_of(desk.request, stores)
        return await client_test.begin(
            _work(desk, stores), context, desk.visit, shown.id, tell=site.alerts.of_attempt
        )  # fmt: skip

    return to_response(desk.request, await site.transactions.run(work, write=True, request_id=desk.visit.request_id))


async def _end(desk: Desk) -> Response:
    shown = await desk.do(clients.SHOW, id=from_path_name(desk.request.path_params["client"]))
    site = site_of(desk.request)
    await site.watch.refresh()
    await site.engine.keyring.refresh()
    answer = dict(desk.request.query_params)

    async def work(stores: Stores) -> Ended | None:
        context = context_of(desk.request, stores)
        return await client_test.finish(_work(desk, stores), context, desk.visit, shown.id, answer)

    ended = await site.transactions.run(work, write=True, request_id=desk.visit.request_id)
    if ended is None:
        return desk.page("admin/client_test.html", status=410, client=shown, ended=None, is_over=True)
    return desk.page("admin/client_test.html", client=shown, ended=_facts(ended), is_over=False)


def _facts(ended: Ended) -> dict[str, object]:
    """Return what a page shows of a test; of tokens and random values that there were some."""
    hidden = dict.fromkeys(("state", "nonce", "code_challenge"), MASK)
    redeemed = ended.redeemed
    facts: dict[str, object] = {
        "request": list((dict(ended.request) | hidden).items()),
        "redirect_uri": ended.request["redirect_uri"],
        "error": ended.error,
        "description": ended.description,
        "advice": ended.advice,
        "method": ended.client.auth_method.value,
        "demands": ended.demands,
    }
    if redeemed is None:
        return facts | {"tokens": None, "id_token": None, "access_token": None, "userinfo": None}
    tokens: dict[str, Json] = {
        "access_token": MASK, "token_type": redeemed.token_type, "expires_in": redeemed.lifetime_seconds,
        "scope": " ".join(redeemed.scopes),
    }  # fmt: skip
    tokens |= {"refresh_token": MASK} if redeemed.has_refresh_token else {}
    tokens |= {"id_token": MASK} if redeemed.id_token is not None else {}
    return facts | {
        "tokens": _written(tokens), "id_token": _written(redeemed.id_token),
        "access_token": _written(redeemed.access_token), "userinfo": _written(redeemed.userinfo),
    }  # fmt: skip


def _written(document: Mapping[str, Json] | None) -> str | None:
    return None if document is None else json.dumps(dict(document), indent=2, ensure_ascii=False)


begin = admin(_begin, Permission.CLIENTS_WRITE, fresh=False)
end = admin(_end, Permission.CLIENTS_WRITE, fresh=False)

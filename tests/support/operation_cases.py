"""What each operation of administration is given to be done and to be refused, prepared anew for every way."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from idp.domain.consent import Consent
from idp.domain.secret import make_id
from idp.domain.user import Role
from tests.support.builders import DAY, NOW, message, session
from tests.support.definition_cases import DEFINITIONS
from tests.support.operators import Operators
from tests.support.webhooks import delivery

Given = dict[str, Any]
FAR = NOW.replace(year=2100)  # commands go by the real time
#: A subscription to what does not happen here, so that nothing is delivered while other cases run.
RARELY = {"url": "https://127.0.0.1:9/in", "kinds": ["trail_restarted"]}
#: A provider that nobody reaches: its port is closed.
WORKS = {"name": "Works", "issuer": "http://127.0.0.1:9", "client_id": "us", "client_secret": "between us"}
CALLBACK = "https://books.example/callback"
_numbers = count(1)


@dataclass(frozen=True)
class Case:
    """How an operation is given what it takes, and how it is given what it must refuse."""

    prepare: Callable[[Operators], Awaitable[Given]]
    refused: Callable[[Given], Given]


async def nothing(_desk: Operators) -> Given:
    return {}


async def person(desk: Operators) -> Given:
    return {"id": (await desk.user()).id}


async def disabled(desk: Operators) -> Given:
    made = await desk.user()
    await desk.do("users.disable", id=made.id)
    return {"id": made.id}


async def group(desk: Operators) -> Given:
    return {"id": (await desk.do("groups.create", name=f"circle {next(_numbers)}"))["id"]}


async def outsider(desk: Operators) -> Given:
    return {**await group(desk), "user_id": (await desk.user()).id}


async def member(desk: Operators) -> Given:
    given = await outsider(desk)
    await desk.do("groups.add_member", **given)
    return given


async def client(desk: Operators) -> Given:
    metadata = {"client_name": f"Books {next(_numbers)}", "redirect_uris": [CALLBACK]}
    return {"id": (await desk.do("clients.create", metadata=metadata))["id"]}


async def disabled_client(desk: Operators) -> Given:
    given = await client(desk)
    await desk.do("clients.disable", **given)
    return given


async def manager(desk: Operators) -> Given:
    return {**await client(desk), "user_id": (await desk.user(Role.CLIENT_MANAGER)).id}


async def managed(desk: Operators) -> Given:
    given = await manager(desk)
    await desk.do("clients.add_manager", **given)
    return given


async def signed_in(desk: Operators) -> Given:
    site, user = desk.provider.site, await desk.user()
    opened = session(user.id, expires_at=FAR, idle_expires_at=FAR)
    async with site.transactions.open(write=True) as stores:
        await stores.sessions.open(opened, site.digester.digest("session", opened.id), device="Firefox")
    return {"id": opened.id}


async def consented(desk: Operators) -> Given:
    user, books = await desk.user(), await client(desk)
    async with desk.provider.site.transactions.open(write=True) as stores:
        consent = Consent(user.id, books["id"], frozenset({"openid"}), frozenset())
        await stores.consents.save(consent, desk.provider.clock.now())
    return {"user_id": user.id, "client_id": books["id"]}


async def a_day_later(desk: Operators) -> Given:
    desk.provider.clock.advance(2 * DAY)  # so that keys which wait may sign, and make room for others
    return {}


async def next_key(desk: Operators) -> Given:
    await a_day_later(desk)
    await desk.do("keys.rotate")
    keys = (await desk.do("keys.list"))["items"]
    return {"kid": next(each["kid"] for each in reversed(keys) if each["state"] == "next")}


async def failed_message(desk: Operators) -> Given:
    made = message()
    async with desk.provider.site.transactions.open(write=True) as stores:
        await stores.outbox.add(made, expires_at=FAR, due_at=FAR)
        await stores.outbox.fail(made.id, desk.provider.clock.now())
    return {"id": made.id}


async def invitation(desk: Operators) -> Given:
    email = f"guest{next(_numbers)}@example.org"
    await desk.do("invitations.create", email=email)
    found = (await desk.do("invitations.list"))["items"]
    return {"id": next(each["id"] for each in found if each["email"] == email)}


async def registration_token(desk: Operators) -> Given:
    await desk.do("registration_tokens.create")
    return {"id": (await desk.do("registration_tokens.list"))["items"][0]["id"]}


async def webhook(desk: Operators) -> Given:
    made = await desk.do("webhooks.create", **RARELY, name=f"hook {next(_numbers)}")
    return {"id": made["id"]}


async def failed_delivery(desk: Operators) -> Given:
    hook, made = await webhook(desk), delivery(id=make_id(), tries=10)
    async with desk.provider.site.transactions.open(write=True) as stores:
        await stores.webhook_deliveries.add(replace(made, webhook_id=hook["id"]))
        await stores.webhook_deliveries.fail(made.id, FAR, status=503, reason="answered 503")
    return {**hook, "delivery_id": made.id}


async def upstream(desk: Operators) -> Given:
    made = await desk.do("upstreams.create", id=f"works-{next(_numbers)}", **WORKS)
    return {"id": made["id"]}


def fresh(**members: Any) -> Callable[[Operators], Awaitable[Given]]:
    """Return what an operation takes that needs nothing to be there; `#` becomes a number of its own."""

    async def prepare(_desk: Operators) -> Given:
        number = str(next(_numbers))
        filled: Given = json.loads(json.dumps(members).replace("#", number))
        return filled

    return prepare


def besides(base: Callable[[Operators], Awaitable[Given]], **members: Any) -> Callable[[Operators], Awaitable[Given]]:
    """Return what an operation takes beside what was prepared."""

    async def prepare(desk: Operators) -> Given:
        return {**await base(desk), **members}

    return prepare


def unknown(given: Given) -> Given:
    """Return the same for something that is not there."""
    key = next(name for name in ("id", "kid", "user_id") if name in given)
    return {**given, key: "0" * 64 if re.fullmatch("[0-9a-f]{64}", given[key]) else "nothing"}


def stale(given: Given) -> Given:
    """Return the same by somebody who looked at something older."""
    return {**given, "version": "stale"}


def more(given: Given) -> Given:
    """Return the same with a member that nobody knows."""
    return {**given, "is_admin": True}


CASES: Mapping[str, Case] = {
    "dashboard.show": Case(fresh(span="week"), more),
    "users.list": Case(fresh(limit=1, status="active"), lambda given: {**given, "limit": 0}),
    "users.show": Case(person, unknown),
    "users.create": Case(fresh(email="new#@example.org", claims={"name": "New"}, groups=["a"]), more),
    "users.update": Case(besides(person, groups=["b"], claims={"nickname": "N"}), stale),
    "users.disable": Case(person, unknown),
    "users.enable": Case(disabled, unknown),
    "users.delete": Case(person, stale),
    "users.set_role": Case(besides(person, role="support"), lambda given: {**given, "role": "god"}),
    "users.send_reset": Case(person, unknown),
    "users.reset_factors": Case(person, unknown),
    "users.end_sessions": Case(person, stale),
    "users.unlock": Case(person, unknown),
    "users.credentials": Case(person, unknown),
    "users.bulk": Case(fresh(action="disable", ids=["nobody"]), lambda given: {**given, "action": "delete"}),
    "groups.list": Case(fresh(limit=2), lambda given: {**given, "cursor": "x"}),
    "groups.show": Case(group, unknown),
    "groups.create": Case(fresh(name="readers #", description="who read"), more),
    "groups.update": Case(besides(group, description="who read much"), stale),
    "groups.delete": Case(group, unknown),
    "groups.add_member": Case(outsider, unknown),
    "groups.remove_member": Case(member, unknown),
    "clients.list": Case(fresh(limit=1), more),
    "clients.show": Case(client, unknown),
    "clients.create": Case(
        fresh(metadata={"client_name": "Books", "redirect_uris": [CALLBACK]}),
        lambda given: {"metadata": {**given["metadata"], "redirect_uris": ["http://books.example/"]}},
    ),
    "clients.update": Case(besides(client, metadata={"client_uri": "https://books.example/"}), stale),
    "clients.rotate_secret": Case(client, stale),
    "clients.disable": Case(client, unknown),
    "clients.enable": Case(disabled_client, unknown),
    "clients.delete": Case(client, unknown),
    "clients.managers": Case(client, unknown),
    "clients.add_manager": Case(manager, unknown),
    "clients.remove_manager": Case(managed, unknown),
    "sessions.list": Case(fresh(limit=1), more),
    "sessions.end": Case(signed_in, unknown),
    "consents.list": Case(fresh(client_id="none"), more),
    "consents.revoke": Case(consented, unknown),
    "keys.list": Case(nothing, more),
    "keys.rotate": Case(a_day_later, more),
    "keys.retire": Case(next_key, unknown),
    "keys.revoke": Case(next_key, unknown),
    "messages.list": Case(fresh(state="waiting", limit=1), lambda given: {**given, "state": "lost"}),
    "messages.resend": Case(failed_message, unknown),
    "events.list": Case(fresh(kind="user_changed", limit=1), lambda given: {**given, "kind": "nothing"}),
    "settings.list": Case(nothing, more),
    "roles.list": Case(nothing, more),
    "invitations.list": Case(nothing, more),
    "invitations.create": Case(fresh(email="guest-#@example.org"), lambda given: {"email": "nobody"}),
    "invitations.revoke": Case(invitation, unknown),
    "clients.errors": Case(besides(client, days=3), unknown),
    "clients.kinds": Case(nothing, more),
    "users.groups": Case(person, unknown),
    "registration_tokens.list": Case(nothing, more),
    "registration_tokens.create": Case(fresh(profile="oidc", uses=2), lambda given: {**given, "uses": 0}),
    "registration_tokens.revoke": Case(registration_token, unknown),
    "webhooks.list": Case(nothing, more),
    "webhooks.show": Case(webhook, unknown),
    "webhooks.resend": Case(failed_delivery, unknown),
    "webhooks.create": Case(
        fresh(name="hook #", **RARELY),
        lambda given: {**given, "url": "https://127.0.0.2/in"},
    ),
    "webhooks.update": Case(besides(webhook, is_active=False), stale),
    "webhooks.rotate_secret": Case(webhook, stale),
    "webhooks.delete": Case(webhook, unknown),
    "webhooks.test": Case(webhook, unknown),
    "webhooks.deliveries": Case(besides(webhook, limit=1), unknown),
    "upstreams.list": Case(nothing, more),
    "upstreams.get": Case(upstream, unknown),
    "upstreams.create": Case(fresh(id="new-#", **WORKS), lambda given: {**given, "scopes": ["email"]}),
    "upstreams.update": Case(besides(upstream, scopes=["openid"], domains=["example.org"]), stale),
    "upstreams.delete": Case(upstream, unknown),
    "upstreams.test": Case(upstream, unknown),
    "configuration.apply": Case(
        fresh(text='schema = 1\n[[group]]\nname = "file #"\n', dry_run=False), lambda given: {"text": "schema = 2"}
    ),
    "configuration.export": Case(nothing, more),
    **{name: Case(prepare, refused) for name, prepare, refused in DEFINITIONS},
}

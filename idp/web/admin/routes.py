"""Every URL of the administrators' pages; each names the permission that it takes (gate.guard_of)."""

from starlette.routing import BaseRoute, Route

from idp.web.admin import (
    decisions,
    events,
    groups,
    invitations,
    keys,
    messages,
    overview,
    people,
    person,
    person_acts,
    policies,
    provider,
    resources,
    sessions,
    upstreams,
    webhooks,
)
from idp.web.admin.gate import Page


def _page(path: str, page: Page) -> Route:
    return Route(path, page, methods=["GET", "POST"])


def _view(path: str, page: Page) -> Route:
    return Route(path, page, methods=["GET"])


def console() -> list[BaseRoute]:
    """Return the routes of the administration."""
    return [_view("/admin", overview.overview), *_people(), *_risk(), *_system(), *_upstreams(), *_webhooks()]


def _people() -> list[BaseRoute]:
    one = "/admin/users/{id}"
    return [
        _page("/admin/users", people.listed),
        _page("/admin/users/new", people.new),
        _page("/admin/users/bulk", people.bulk),
        _view("/admin/users/export", people.exported),
        _page(one, person.person),
        _page(f"{one}/disable", person_acts.disable),
        _page(f"{one}/enable", person_acts.enable),
        _page(f"{one}/send-reset", person_acts.send_reset),
        _page(f"{one}/unlock", person_acts.unlock),
        _page(f"{one}/end-sessions", person_acts.end_sessions),
        _page(f"{one}/groups", person_acts.membership),
        _page(f"{one}/role", person_acts.role),
        _page(f"{one}/reset-factors", person_acts.reset_factors),
        _page(f"{one}/delete", person_acts.delete),
        _page("/admin/groups", groups.listed),
        _page("/admin/groups/new", groups.new),
        _page("/admin/groups/{id}", groups.group),
        _page("/admin/groups/{id}/delete", groups.delete),
        _view("/admin/sessions", sessions.listed),
        _page("/admin/sessions/{id}/end", sessions.end),
        _view("/admin/consents", sessions.consents),
        _page("/admin/consents/revoke", sessions.revoke),
        _page("/admin/invitations", invitations.invited),
        _page("/admin/invitations/{id}/revoke", invitations.take_back),
        _view("/admin/resources", resources.listed),
        _page("/admin/resources/new", resources.new),
        _page("/admin/resources/{id}", resources.resource),
        _page("/admin/resources/{id}/delete", resources.delete),
        _page("/admin/registration-tokens", invitations.tokens),
        _page("/admin/registration-tokens/{id}/revoke", invitations.end_token),
    ]


def _risk() -> list[BaseRoute]:
    return [
        _page("/admin/decisions", decisions.decisions),
        _view("/admin/decisions/countries", decisions.countries),
        _view("/admin/decisions/{decision}.json", decisions.record),
        _page("/admin/decisions/{decision}", decisions.decision),
        _view("/admin/policies", policies.policies),
        _page("/admin/policies/new", policies.policy_new),
        _page("/admin/policies/describe", policies.policy_described),
        _page("/admin/policies/{version:int}", policies.policy),
        _view("/admin/policies/{version:int}/simulation", policies.simulation),
        _view("/admin/policies/{version:int}/simulation.json", policies.report),
    ]


def _system() -> list[BaseRoute]:
    return [
        _page("/admin/events", events.listed),
        _view("/admin/events/export", events.exported),
        _page("/admin/messages", messages.listed),
        _page("/admin/messages/{id}/resend", messages.resend),
        _view("/admin/keys", keys.listed),
        _page("/admin/keys/rotate", keys.rotate),
        _page("/admin/keys/{kid}/retire", keys.retire),
        _page("/admin/keys/{kid}/revoke", keys.revoke),
        _view("/admin/settings", provider.settings),
        _view("/admin/roles", provider.roles),
    ]


def _upstreams() -> list[BaseRoute]:
    one = "/admin/upstreams/{id}"
    return [
        _view("/admin/upstreams", upstreams.listed),
        _page("/admin/upstreams/new", upstreams.new),
        _page(one, upstreams.upstream),
        _page(f"{one}/change", upstreams.change),
        _page(f"{one}/delete", upstreams.delete),
    ]


def _webhooks() -> list[BaseRoute]:
    one = "/admin/webhooks/{id}"
    return [
        _view("/admin/webhooks", webhooks.listed),
        _page("/admin/webhooks/new", webhooks.new),
        _page(one, webhooks.webhook),
        _page(f"{one}/change", webhooks.change),
        _page(f"{one}/test", webhooks.test),
        _page(f"{one}/rotate", webhooks.rotate),
        _page(f"{one}/pause", webhooks.pause),
        _page(f"{one}/resume", webhooks.resume),
        _page(f"{one}/delete", webhooks.delete),
        _page(f"{one}/deliveries/{{delivery}}/resend", webhooks.resend),
    ]

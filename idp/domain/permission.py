"""What can be allowed to somebody who helps to run the provider: one word for each kind of thing that they may do."""

from collections.abc import Iterable
from enum import StrEnum


class Permission(StrEnum):
    """One thing that a role, or a scope of the administrators' API, allows; the scope has `SCOPE_PREFIX` before it."""

    DASHBOARD_READ = "dashboard.read"
    USERS_READ = "users.read"
    USERS_HELP = "users.help"  # start a reset, end sessions, unlock
    USERS_WRITE = "users.write"
    ROLES_GRANT = "roles.grant"
    GROUPS_READ = "groups.read"
    GROUPS_WRITE = "groups.write"
    CLIENTS_READ = "clients.read"
    CLIENTS_WRITE = "clients.write"
    REGISTRATION_WRITE = "registration.write"
    RESOURCES_READ = "resources.read"
    RESOURCES_WRITE = "resources.write"
    SESSIONS_READ = "sessions.read"
    SESSIONS_END = "sessions.end"
    CONSENTS_READ = "consents.read"
    CONSENTS_REVOKE = "consents.revoke"
    DECISIONS_READ = "decisions.read"
    POLICIES_READ = "policies.read"
    POLICIES_WRITE = "policies.write"
    KEYS_READ = "keys.read"
    KEYS_WRITE = "keys.write"
    MESSAGES_READ = "messages.read"
    MESSAGES_SEND = "messages.send"
    EVENTS_READ = "events.read"
    SETTINGS_READ = "settings.read"
    INVITATIONS_WRITE = "invitations.write"
    UPSTREAMS_READ = "upstreams.read"
    UPSTREAMS_WRITE = "upstreams.write"
    WEBHOOKS_WRITE = "webhooks.write"
    CONFIGURATION_WRITE = "configuration.write"


SCOPE_PREFIX = "admin:"


def scope_of(permission: Permission) -> str:
    """Return the scope of an access token that carries a permission."""
    return f"{SCOPE_PREFIX}{permission.value}"


def is_of_administration(scopes: Iterable[str]) -> bool:
    """Say whether one of the scopes gives power over the provider; `admin` is a name that APIs of others use for it."""
    return any(scope == "admin" or scope.startswith(SCOPE_PREFIX) for scope in scopes)


def permissions_in(scopes: frozenset[str]) -> frozenset[Permission]:
    """Return the permissions that an access token's scopes carry."""
    return frozenset(each for each in Permission if scope_of(each) in scopes)

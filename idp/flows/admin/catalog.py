"""All operations, by name: what pages, the REST API and commands can call."""

from collections.abc import Mapping
from typing import Any

from idp.flows.admin import (
    client_managers,
    clients,
    configuration,
    configuration_export,
    dashboard,
    events,
    groups,
    invitations,
    keys,
    messages,
    people,
    provider,
    sessions,
    users,
)
from idp.flows.admin.operation import Operation

OPERATIONS: Mapping[str, Operation[Any, Any]] = {
    operation.name: operation
    for module in (
        dashboard, users, people, groups, clients, client_managers, sessions, keys, messages, events, provider,
        invitations, configuration, configuration_export,
    )
    for operation in module.OPERATIONS
}  # fmt: skip

"""All operations, by name: what pages, the REST API and commands can call."""

from collections.abc import Mapping
from typing import Any

from idp.flows.admin import (
    assertion_issuers,
    client_errors,
    client_kinds,
    client_managers,
    clients,
    configuration,
    configuration_export,
    dashboard,
    detail_types,
    events,
    exchange_rules,
    groups,
    invitations,
    keys,
    messages,
    people,
    provider,
    registration_tokens,
    resources,
    sessions,
    upstreams,
    users,
    webhooks,
    webhooks_deliveries,
)
from idp.flows.admin.operation import Operation

OPERATIONS: Mapping[str, Operation[Any, Any]] = {
    operation.name: operation
    for module in (
        assertion_issuers,
        client_errors,
        client_kinds,
        client_managers,
        clients,
        configuration,
        configuration_export,
        dashboard,
        detail_types,
        events,
        exchange_rules,
        groups,
        invitations,
        keys,
        messages,
        people,
        provider,
        registration_tokens,
        resources,
        sessions,
        upstreams,
        users,
        webhooks,
        webhooks_deliveries,
    )
    for operation in module.OPERATIONS
}  # fmt: skip

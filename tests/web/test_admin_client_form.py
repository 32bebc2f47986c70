"""The form of a client: it changes what it shows, and leaves alone what it has no field for."""

from datetime import UTC, datetime
from typing import Any

import pytest

from idp.flows.admin.clients import ClientShown
from idp.web.admin.clients_form import changed, members_of

TYPES = ["code", "id_token", "code id_token"]
BOXES = {"grant-code": "on", "grant-refresh": "on"}


def shown(**metadata: Any) -> ClientShown:
    return ClientShown(
        id="c-old", name="Old", profile="oidc", active=True, first_party=False, self_registered=False,
        metadata=metadata, created_at=datetime(2030, 1, 1, tzinfo=UTC), version="v",
    )  # fmt: skip


@pytest.mark.parametrize("other", ["implicit", "urn:ietf:params:oauth:grant-type:device_code"])
def test_grant_types_without_a_box_are_kept(other: str) -> None:
    client = shown(grant_types=["authorization_code", "refresh_token", other], response_types=TYPES)

    assert changed(members_of(BOXES, grants=True), client) == {}
    fewer = changed(members_of({"grant-code": "on"}, grants=True), client)
    assert fewer == {"grant_types": ["authorization_code", other]}


def test_response_types_go_with_the_code_that_they_need() -> None:
    client = shown(grant_types=["authorization_code", "implicit"], response_types=TYPES)

    assert changed(members_of({"grant-machine": "on"}, grants=True), client) == {
        "grant_types": ["client_credentials", "implicit"], "response_types": ["id_token"],
    }  # fmt: skip

"""SCIM as clients that nobody here wrote meet it – RFC 7643, RFC 7644."""

from collections.abc import AsyncIterator

import pytest
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import PatchOp, PatchOperation, ResponseParameters, SearchRequest, UniquenessException
from scim2_tester import CheckResult, Status, check_server

from tests.support.databases import fresh_database
from tests.support.provider import Provider
from tests.support.scim import directory, in_thread


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    """A provider that no other specification has moved in time or filled."""
    folder = tmp_path_factory.mktemp("scim")
    async with fresh_database("sqlite", folder) as url, Provider.running(folder, url) as provider:
        yield provider


#: Whether somebody may come in is yes or no; nothing can be neither.
CANNOT = {("check_remove_attribute", "User")}


async def test_every_check_of_the_conformance_suite_passes(provider: Provider) -> None:
    """All of them, on all resources; what is skipped would say so."""
    caller = await directory(provider)

    results: list[CheckResult] = await in_thread(provider, caller.token, check_server)

    failed = [each for each in results if each.status is not Status.SUCCESS]
    assert {(each.title, each.resource_type) for each in failed} <= CANNOT, [
        (each.title, each.resource_type, each.reason) for each in failed
    ]
    assert all("'active'" in (each.reason or "") for each in failed)
    assert len(results) > 100


async def test_a_foreign_client_discovers_makes_finds_changes_and_removes(provider: Provider) -> None:
    """From an empty client to a person in a group, and back."""
    caller = await directory(provider)

    def work(client: SyncSCIMClient) -> None:
        client.discover()
        user_type, group_type = client.get_resource_model("User"), client.get_resource_model("Group")
        assert user_type is not None
        assert group_type is not None
        made = client.create(user_type(user_name="foreign", emails=[{"value": "foreign@example.org"}]))
        group = client.create(group_type(display_name="Foreigners", members=[{"value": made.id}]))
        found = client.query(
            user_type, query_parameters=SearchRequest(filter='userName eq "FOREIGN"', attributes=["groups"])
        )
        assert [each.groups[0].display for each in found.resources] == ["Foreigners"]
        patch = PatchOp[user_type](  # type: ignore[valid-type]
            operations=[PatchOperation(op="replace", path="active", value=False)]
        )
        assert client.modify(user_type, made.id, patch).active is False
        shown = client.query(group_type, group.id, query_parameters=ResponseParameters(attributes=["members"]))
        assert [each.value for each in shown.members] == [made.id]
        with pytest.raises(UniquenessException):
            client.create(user_type(user_name="Foreign"))
        client.delete(user_type, made.id)
        client.delete(group_type, group.id)

    await in_thread(provider, caller.token, work)

"""Which clients may know people by names of their own, and which share them."""

from typing import Any

import pytest

from idp.domain.client import AuthMethod, BadClient, Profile
from idp.policy import clients
from idp.policy.sectors import sector_of
from tests.support.builders import client

NATIVE: dict[str, Any] = {"profile": Profile.NATIVE, "auth_method": AuthMethod.NONE, "secret_digests": ()}
SECTOR = "https://sector.example/uris.json"
REFUSED: dict[str, dict[str, Any]] = {
    "two hosts": {"redirect_uris": ("https://a.example/cb", "https://b.example/cb")},
    "a host and its sub-domain": {"redirect_uris": ("https://a.example/cb", "https://www.a.example/cb")},
    "no redirect URI": {"redirect_uris": (), "grant_types": ("client_credentials",)},
    "a loopback host": {"redirect_uris": ("http://127.0.0.1/cb",)},
    "a loopback host by https": {"redirect_uris": ("https://localhost/cb",)},
    "a scheme of its own": {**NATIVE, "redirect_uris": ("com.example.app:/cb",)},
    "the web and a loopback host": {"redirect_uris": ("https://a.example/cb", "http://[::1]/cb")},
}


@pytest.mark.parametrize("changes", REFUSED.values(), ids=REFUSED)
def test_pairwise_subjects_need_one_host_that_is_the_clients_own(changes: dict[str, Any]) -> None:
    """OIDC Core §8.1: of several hosts none is the sector; a loopback host is anybody's."""
    with pytest.raises(BadClient) as refused:
        clients.check(client(subject_type="pairwise", **changes))

    assert refused.value.code == "invalid_client_metadata"
    clients.check(client(**changes))
    clients.check(client(subject_type="pairwise", sector_identifier_uri=SECTOR, **changes))


def test_the_sector_is_the_host_of_all_redirect_uris_or_of_the_document() -> None:
    """OIDC Core §8.1: whatever port and path."""
    uris = ("https://a.example/cb", "https://a.example:8443/other")

    clients.check(client(subject_type="pairwise", redirect_uris=uris))

    assert sector_of(client(redirect_uris=uris)) == "a.example"
    assert sector_of(client(redirect_uris=uris, sector_identifier_uri=SECTOR)) == "sector.example"


@pytest.mark.parametrize("subject_type", ["", "Pairwise", "ephemeral"])
def test_no_other_subject_type_is_offered(subject_type: str) -> None:
    with pytest.raises(BadClient):
        clients.check(client(subject_type=subject_type))

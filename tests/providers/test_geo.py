"""Places come from the operator's file, in the reader's language, and never from anywhere else."""

from pathlib import Path

import netaddr
import pytest
from mmdb_writer import MMDBWriter

from idp.providers.geo.maxmind import MaxMindPlaces, UnreadableFile
from idp.providers.geo.port import Nowhere
from tests.support.target import target

BREMEN = {
    "city": {"names": {"en": "Bremen", "ja": "ブレーメン"}},
    "country": {"iso_code": "DE", "names": {"en": "Germany", "de": "Deutschland", "ja": "ドイツ"}},
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database of two networks."""
    writer = MMDBWriter(6, "GeoIP2-City", languages=["en"], ipv4_compatible=True)
    writer.insert_network(netaddr.IPSet(["203.0.113.0/24"]), BREMEN)
    writer.insert_network(netaddr.IPSet(["198.51.100.0/24"]), {"country": {"names": {"en": "Norway"}}})
    path = tmp_path / "places.mmdb"
    writer.to_db_file(str(path))
    return path


@pytest.mark.parametrize(
    ("address", "locale", "place"),
    [
        ("203.0.113.9", "en", "Bremen, Germany"),
        ("203.0.113.9", "de", "Bremen, Deutschland"),
        ("203.0.113.9", "ja", "ブレーメン, ドイツ"),
        ("198.51.100.7", "fr", "Norway"),
        ("192.0.2.1", "en", ""),
        ("2001:db8::1", "en", ""),
        ("unknown", "en", ""),
        ("", "en", ""),
    ],
)
def test_a_place_is_named_as_far_as_it_is_known(file: Path, address: str, locale: str, place: str) -> None:
    assert MaxMindPlaces(file).name(address, locale=locale) == place


def test_without_a_file_nothing_is_known() -> None:
    assert Nowhere().name("203.0.113.9", locale="en") == ""


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "odd").write_text("not a database")

    for path in (tmp_path / "odd", tmp_path / "missing"):
        with pytest.raises(UnreadableFile):
            MaxMindPlaces(path)


async def test_people_see_where_their_sessions_are(file: Path, tmp_path: Path) -> None:
    async with target("sqlite", tmp_path, geo_db=str(file)) as provider:
        person = await provider.person()
        browser = provider.browser(person)
        await browser.open(f"{provider.issuer}/account/sign-in")
        await browser.sign_in()

        for path in ("/account/sessions", "/account/activity"):
            assert "Bremen, Germany" in (await browser.open(provider.issuer + path)).response.text
        assert "Bremen, Germany" in (await provider.mail_to(person))[0]["text"]

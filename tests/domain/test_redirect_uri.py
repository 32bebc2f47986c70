"""Each redirect URI that may not be registered has a reason of its own; one that may has none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.domain.client import MAX_URIS, is_private_use_uri, is_safe_uri
from idp.domain.redirect_uri import SENTENCES, UriFault, fault_of, faults_of

TEXTS = st.text("aAz09:/?#@*[]%.\\ <é‮\0-", max_size=30)
STARTS = st.sampled_from(("https://", "http://", "http://localhost", "org.example:/", "javascript:", "", "HTTPS://a.b"))


@pytest.mark.parametrize(
    ("uri", "fault"),
    [
        ("https://rp.example/cb#part", UriFault.FRAGMENT),
        ("https://*.rp.example/cb", UriFault.WILDCARD),
        ("https://rp.example/*", UriFault.WILDCARD),
        ("http://rp.example/cb", UriFault.HTTP),
        ("http://[::2]/cb", UriFault.HOST),
        ("https://bank.example@evil.example/", UriFault.USER_INFO),
        ("https://user:pw@rp.example/", UriFault.USER_INFO),
        ("https://rp.example:99999/", UriFault.HOST),
        ("https://RP.example/", UriFault.HOST),
        ("https:///cb", UriFault.HOST),
        ("https://rp.example/a b", UriFault.CHARACTERS),
        ("https://rp.example\\@evil.example/", UriFault.USER_INFO),
        ("https://rp.example/<script>", UriFault.CHARACTERS),
        ("https://rp.example/%zz", UriFault.CHARACTERS),
        ("rp.example/cb", UriFault.NO_SCHEME),
        ("/cb", UriFault.NO_SCHEME),
        ("", UriFault.NO_SCHEME),
        ("https:/rp.example", UriFault.NO_SCHEME),
        ("javascript:alert(1)", UriFault.NATIVE_ONLY),
        ("org.example.app:/cb", UriFault.NATIVE_ONLY),
        ("https://rp.example/" + "a" * 2048, UriFault.TOO_LONG),
    ],
)
def test_a_uri_of_the_web_is_told_what_is_wrong(uri: str, fault: UriFault) -> None:
    assert fault_of(uri, is_native=False) is fault


@pytest.mark.parametrize(
    ("uri", "fault"),
    [
        ("javascript:alert(1)", UriFault.NO_DOT),
        ("myapp:/cb", UriFault.NO_DOT),
        ("org.example.app://cb", UriFault.SLASHES),
        ("org.example.app:/a b", UriFault.CHARACTERS),
        ("org.example.app:/cb", None),
        ("http://127.0.0.1/cb", None),
        ("http://localhost:8080/cb", None),
        ("http://[::1]/cb", None),
    ],
)
def test_a_uri_of_a_native_application_is_told_what_is_wrong(uri: str, fault: UriFault | None) -> None:
    assert fault_of(uri, is_native=True) is fault


def test_of_two_that_are_alike_the_second_is_refused() -> None:
    found = faults_of(["https://a.example/", "https://b.example/", "https://a.example/"], is_native=False)

    assert [(each.index, each.fault) for each in found] == [(2, UriFault.DUPLICATE)]


def test_one_more_than_the_most_is_refused_and_only_that() -> None:
    found = faults_of([f"https://a.example/{number}" for number in range(MAX_URIS + 1)], is_native=False)

    assert [(each.index, each.fault) for each in found] == [(MAX_URIS, UriFault.TOO_MANY)]


def test_every_reason_has_a_sentence() -> None:
    assert set(SENTENCES) == set(UriFault)


@given(STARTS, TEXTS, st.booleans())
def test_a_reason_is_given_exactly_when_a_uri_may_not_be_registered(start: str, rest: str, is_native: bool) -> None:
    uri = start + rest

    allowed = is_safe_uri(uri) or (is_native and is_private_use_uri(uri))

    assert (fault_of(uri, is_native=is_native) is None) == allowed

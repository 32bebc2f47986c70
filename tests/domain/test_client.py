"""A redirect URI is one of the registered ones, byte for byte, and can never carry script or mislead a parser."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some

from idp.domain.client import AuthMethod, Profile, is_safe_uri, origin_of
from tests.support.builders import MINUTE, NOW, TICK, client, digest

SAFE = (
    "https://rp.example/cb",
    "https://rp.example",
    "https://rp.example/",
    "https://rp.example:8443/cb",
    "https://rp.example/cb?tenant=1&x=%20",
    "https://rp.example?x=1",
    "https://xn--bcher-kva.example/cb",
    "https://rp.example/a@b",
    "https://rp.example/%23",
    "https://127.0.0.1/cb",
    "http://127.0.0.1/cb",
    "http://127.0.0.1:5000/cb",
    "http://localhost:8001/callback",
    "http://[::1]:8001/callback",
    "https://[::1]/cb",
    "https://rp.example/" + "a" * 2029,
)
UNSAFE = {
    # AZ02: user-info
    "user-info that looks like us": "https://rp.example@evil.example/cb",
    "user-info": "https://x@rp.example/cb",
    "user and password": "https://x:y@rp.example/cb",
    "two @": "https://a@b@rp.example/cb",
    "a port before the @": "https://rp.example:443@evil.example/cb",
    "empty user": "https://@rp.example/cb",
    "an escaped @": "https://rp.example%40evil.example/cb",
    # AZ04: fragments
    "an empty fragment": "https://rp.example/cb#",
    "a fragment": "https://rp.example/cb#x",
    # AZ05: spellings that parsers read differently
    "upper-case host": "https://RP.example/cb",
    "upper-case scheme": "HTTPS://rp.example/cb",
    "a look-alike host": "https://rp.ex\u0430mple/cb",
    "a full-width dot": "https://rp\uff0eexample/cb",
    "a trailing dot": "https://rp.example./cb",
    "a trailing dot and a port": "https://rp.example.:443/cb",
    "a leading dot": "https://.example/cb",
    "two dots": "https://rp..example/cb",
    "a tab": "https://rp.example/\tcb",
    "a tab in the host": "https://rp\t.example/cb",
    "a newline": "https://rp.example/cb\n",
    "a carriage return": "https://rp.example/\rcb",
    "NUL": "https://rp.example/\0",
    "DEL": "https://rp.example/\x7f",
    "a space": "https://rp.example/c b",
    "a space before": " https://rp.example/cb",
    "a backslash": "https://rp.example\\cb",
    "a backslash before an @": "https://evil.example\\@rp.example/cb",
    "a backslash in the path": "https://rp.example/\\cb",
    "slashes turned": "https:\\\\rp.example/cb",
    "one slash": "https:/rp.example/cb",
    "three slashes": "https:///rp.example/cb",
    "no scheme": "//rp.example/cb",
    "a path only": "/cb",
    "nothing": "",
    "scheme only": "https://",
    "no host": "https://:443/cb",
    "no host, a query": "https://?x",
    "port zero": "https://rp.example:0/cb",
    "port zero on loopback": "http://[::1]:0/cb",
    "a port of 65536": "https://rp.example:65536/cb",
    "a port of 99999 on loopback": "http://[::1]:99999/cb",
    "an empty port": "https://rp.example:/cb",
    "a port with a zero before": "https://rp.example:0443/cb",
    "a port in other digits": "https://rp.example:\u0664\u0664\u0663/cb",
    "an underscore": "https://rp_x.example/cb",
    "a hyphen first": "https://-rp.example/cb",
    "a letter outside ASCII": "https://rp.example/caf\u00e9",
    "a lone surrogate": "https://rp.example/\ud800",
    "half an escape": "https://rp.example/%2",
    "no escape": "https://rp.example/%zz",
    "too long": "https://rp.example/" + "a" * 2030,
    # wildcards
    "a wildcard host": "https://*.example/cb",
    "a wildcard path": "https://rp.example/*",
    # AZ07: script and files
    "javascript": "javascript:alert(1)",
    "JaVaScRiPt": "JaVaScRiPt:alert(1)",
    "javascript with a host": "javascript://rp.example/%0aalert(1)",
    "data": "data:text/html,<script>alert(1)</script>",
    "data with a host": "data://rp.example/",
    "vbscript": "vbscript:x",
    "file": "file:///etc/passwd",
    "blob": "blob:https://rp.example/1",
    "a quote": 'https://rp.example/"onload',
    "an angle bracket": "https://rp.example/<script>",
    "a private-use scheme": "com.example.app:/cb",
    # http off the loopback
    "http": "http://rp.example/cb",
    "http, a name like localhost": "http://localhost.evil.example/cb",
    "http, a name that begins with 127": "http://127.0.0.1.evil.example/cb",
    "http, another loopback spelling": "http://127.1/cb",
    "http, a decimal address": "http://2130706433/cb",
    "http, IPv6 in full": "http://[0:0:0:0:0:0:0:1]/cb",
    "http, mapped IPv4": "http://[::ffff:127.0.0.1]/cb",
    "https, a zone": "https://[::1%25eth0]/cb",
    "https, half a bracket": "https://[::1/cb",
    "ftp": "ftp://rp.example/cb",
    "websocket": "wss://rp.example/cb",
}
NOT_REGISTERED = {
    "another query": "https://rp.example/cb?tenant=1&x=1",
    "a reordered query": "https://rp.example/cb?b=2&a=1",
    "no query": "https://rp.example/cb",
    "an empty query": "https://rp.example/cb?",
    "a literal %23": "https://rp.example/cb%23",
    "another case in the path": "https://rp.example/CB?a=1&b=2",
    "another host": "https://evil.example/cb?a=1&b=2",
    "a sub-domain": "https://x.rp.example/cb?a=1&b=2",
    "a longer host": "https://rp.example.evil.example/cb?a=1&b=2",
    "another port": "https://rp.example:444/cb?a=1&b=2",
    "the default port": "https://rp.example:443/cb?a=1&b=2",
    "http": "http://rp.example/cb?a=1&b=2",
    "dot segments": "https://rp.example/x/../cb?a=1&b=2",
    "an escape of the same letter": "https://rp.example/%63b?a=1&b=2",
    "a slash more": "https://rp.example//cb?a=1&b=2",
    "a slash behind": "https://rp.example/cb/?a=1&b=2",
    "a prefix": "https://rp.example/cb?a=1&b=",
    "nothing": "",
}


@pytest.mark.parametrize("uri", SAFE)
def test_a_uri_that_every_parser_reads_alike_is_safe(uri: str) -> None:
    assert is_safe_uri(uri)


@pytest.mark.parametrize("uri", UNSAFE.values(), ids=UNSAFE.keys())
def test_an_unsafe_uri_is_refused_at_registration_and_at_use(uri: str) -> None:
    """Cases AZ02, AZ04, AZ05, AZ07; RFC 9700 §4.1: a URI that slipped into the database is still not followed."""
    slipped_in = client(redirect_uris=(uri,), post_logout_redirect_uris=(uri,))

    assert not is_safe_uri(uri)
    assert not slipped_in.allows_redirect(uri)
    assert not slipped_in.allows_logout_redirect(uri)


@pytest.mark.parametrize("uri", NOT_REGISTERED.values(), ids=NOT_REGISTERED.keys())
def test_a_redirect_uri_is_compared_byte_for_byte(uri: str) -> None:
    """RFC 9700 §4.1.3; RP-Initiated Logout §3."""
    registered = "https://rp.example/cb?a=1&b=2"
    rp = client(redirect_uris=(registered,), post_logout_redirect_uris=(registered,))

    assert not rp.allows_redirect(uri)
    assert not rp.allows_logout_redirect(uri)
    assert rp.allows_redirect(registered)
    assert rp.allows_logout_redirect(registered)


def test_the_port_of_a_loopback_uri_counts_too() -> None:
    """Only native clients may vary it (RFC 8252 §7.3)."""
    assert not client(redirect_uris=("http://127.0.0.1/cb",)).allows_redirect("http://127.0.0.1:5000/cb")


@pytest.mark.parametrize("uri", [uri for uri in UNSAFE.values() if uri != "com.example.app:/cb"])
def test_a_native_client_follows_no_unsafe_uri_either(uri: str) -> None:
    """RFC 8252 §8.4: but for schemes that are reversed domain names."""
    slipped_in = client(profile=Profile.NATIVE, redirect_uris=(uri,), post_logout_redirect_uris=(uri,))

    assert not slipped_in.allows_redirect(uri)
    assert not slipped_in.allows_logout_redirect(uri)


def test_redirect_and_logout_uris_do_not_stand_in_for_each_other() -> None:
    one, other = "https://rp.example/cb", "https://rp.example/bye"
    rp = client(redirect_uris=(one,), post_logout_redirect_uris=(other,))

    assert not rp.allows_redirect(other)
    assert not rp.allows_logout_redirect(one)


@given(
    some.text(max_size=60) | some.builds("https://{}".format, some.text(alphabet="a.:@/?#[]%\\ \t\n*é1-_", max_size=30))
)
def test_a_safe_uri_has_no_character_that_could_mislead(uri: str) -> None:
    if not is_safe_uri(uri):
        return
    authority = uri.split("://", 1)[1].split("/", 1)[0].split("?", 1)[0]
    assert uri.startswith(("https://", "http://"))
    assert uri.isascii()
    assert uri.isprintable()
    assert not set(uri) & set(' "#*<>\\^`{|}')
    assert "@" not in authority
    assert "%" not in authority


def test_a_client_without_a_secret_is_public() -> None:
    assert not client(auth_method=AuthMethod.NONE).is_confidential
    assert all(client(auth_method=method).is_confidential for method in AuthMethod if method is not AuthMethod.NONE)


def test_the_host_shown_to_people_is_that_of_the_first_redirect_uri() -> None:
    assert client(redirect_uris=("https://rp.example:8443/cb", "https://other.example/")).host == "rp.example"
    assert client(redirect_uris=()).host == ""


def test_scripts_may_call_from_the_redirect_origins_and_the_registered_ones() -> None:
    rp = client(redirect_uris=("https://rp.example:8443/cb",), allowed_cors_origins=("https://spa.example",))

    assert rp.cors_origins == {"https://rp.example:8443", "https://spa.example"}


@pytest.mark.parametrize(
    ("uri", "origin"),
    [
        ("http://localhost:8001/callback?x=1", "http://localhost:8001"),
        ("https://rp.example:443/cb", "https://rp.example"),
        ("http://127.0.0.1:80/cb", "http://127.0.0.1"),
        ("https://rp.example:80/cb", "https://rp.example:80"),
        ("https://rp.example:4443/cb", "https://rp.example:4443"),
        ("http://[::1]:8001/cb", "http://[::1]:8001"),
        ("https://rp.example?x=:443", "https://rp.example"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(uri: str, origin: str) -> None:
    """RFC 6454 §6.2."""
    assert origin_of(uri) == origin


def test_a_secret_is_not_in_the_text_of_a_client() -> None:
    assert "hush" not in repr(client(hmac_secret="hush"))


@pytest.mark.parametrize(
    ("ends_at", "now", "live"),
    [
        (None, NOW, 1),
        (NOW.timestamp() + 60, NOW, 2),
        (NOW.timestamp() + 60, NOW + MINUTE - TICK, 2),
        (NOW.timestamp() + 60, NOW + MINUTE, 1),
    ],
)
def test_a_replaced_secret_counts_until_its_overlap_ends(ends_at: float | None, now: datetime, live: int) -> None:
    new, old = digest(), digest()
    rp = client(secret_digests=(new, old), old_secret_ends_at=ends_at)

    assert rp.live_secrets(now) == (new, old)[:live]

"""Which URLs are read, and in one way only; which addresses are public (DR02)."""

from ipaddress import ip_address

import pytest

from idp.providers.fetch.addresses import is_public, read_url
from idp.providers.fetch.port import FetchRejected
from tests.support.fetching import each

PRIVATE = each(
    """
    0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1 127.255.255.254
    168.63.129.16 169.254.0.1 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1
    192.168.0.1 192.168.255.255 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1
    255.255.255.255 :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1 64:ff9b::7f00:1
    64:ff9b::808:808 64:ff9b:1::a00:1 100::1 2001::1 2001:0:7f00:1::1 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1::1
    2002:a00:1:: 2002:c0a8:101::1 3fff::1 5f00::1 fc00::1 fd00::1 fd00:ec2::254 fe80::1 fe80::1%1 febf::1 fec0::1
    ff02::1 ff0e::1 4000::1 2606:4700::200:5efe:7f00:1 2606:4700::5efe:a00:1
    """
)
PUBLIC = each(
    """
    1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.255.255
    172.15.0.1 172.32.0.0 192.0.1.1 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255 2001:200::1
    2001:4860:4860::8888 2003::1 2606:4700:4700::1111 2a00:1450::1 3ffe::1
    """
)


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_known(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_known(address: str) -> None:
    assert is_public(ip_address(address))


UNREADABLE = [
    "", "https", "https:", "https:/host/", "https:///path", "//host/", "/path", "host", "ftp://host/", "file:///etc/passwd",
    "gopher://host/", "data:text/plain,x", "javascript:alert(1)", "HTTP+UNIX://host/", "https://user@host/",
    "https://user:password@host/", "https://@host/", "https://host:0/", "https://host:65536/", "https://host:/",
    "https://host:1x/", "https://host:-1/", "https://host/#fragment", "https://host\\@other/", "https://host /",
    " https://host/", "https://host/\r\nX: y", "https://host/\t", "https://h\u00f6st/", "https://\uff11\uff12\uff17.0.0.1/",
    "https://127\u30020\u30020\u30021/", "https://host./", "https://localhost./", "https://.host/", "https://a..b/",
    "https://-host/", "https://host-/", "https://ho%73t/", "https://127.0.0.1%00.example/", "https://host,other/",
    "https://2130706433/", "https://0x7f000001/", "https://0x7f.0.0.1/", "https://0177.0.0.1/", "https://017700000001/",
    "https://127.1/", "https://127.0.1/", "https://127.0.0.0x1/", "https://0/", "https://0x/", "https://1.2.3.4.5/",
    "https://127.0.0.01/", "https://256.0.0.1/", "https://host.1/", "https://[::1/", "https://::1/", "https://[::1]x/",
    "https://[fe80::1%25eth0]/", "https://[fe80::1%1]/", "https://[127.0.0.1]/", "https://[]/", "https://[v1.x]/",
    "https://" + "a" * 64 + ".example/", "https://" + "a." * 127 + "example/", "https://host/" + "x" * 2048,
]  # fmt: skip


@pytest.mark.parametrize("url", UNREADABLE)
def test_a_url_that_two_readers_could_read_in_two_ways_is_refused(url: str) -> None:
    with pytest.raises(FetchRejected):
        read_url(url)


@pytest.mark.parametrize(
    ("url", "scheme", "host", "port", "target", "authority"),
    [
        ("https://host.example", "https", "host.example", 443, "/", "host.example"),
        ("HTTPS://Host.Example:443/A?b=C", "https", "host.example", 443, "/A?b=C", "host.example"),
        ("https://host.example:8443/a?b", "https", "host.example", 8443, "/a?b", "host.example:8443"),
        ("http://localhost:8000/", "http", "localhost", 8000, "/", "localhost:8000"),
        ("https://1.2.3.4/", "https", "1.2.3.4", 443, "/", "1.2.3.4"),
        ("https://[2606:4700:0:0::1]:8443/", "https", "2606:4700::1", 8443, "/", "[2606:4700::1]:8443"),
        ("https://xn--bcher-kva.example/", "https", "xn--bcher-kva.example", 443, "/", "xn--bcher-kva.example"),
        ("https://0x7f.example/", "https", "0x7f.example", 443, "/", "0x7f.example"),
    ],
)  # fmt: skip
def test_a_plain_url_is_read(url: str, scheme: str, host: str, port: int, target: str, authority: str) -> None:
    place = read_url(url)

    assert (place.scheme, place.host, place.port, place.target) == (scheme, host, port, target)
    assert place.authority == authority

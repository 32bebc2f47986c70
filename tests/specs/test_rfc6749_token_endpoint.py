"""Token endpoint – RFC 6749 §3.2, §5.1, §5.2: how it is asked, and how it answers whatever is asked."""

import string
from collections.abc import Mapping
from urllib.parse import urlencode

import httpx2
import pytest

from tests.support.client_auth import Basic
from tests.support.html_browser import HtmlBrowser
from tests.support.provider import Provider
from tests.support.relying_party import Answer, RelyingParty

FORM = "application/x-www-form-urlencoded"
ASCII = set(string.printable) - set('"\\\t\n\r\x0b\x0c')


async def post(rp: RelyingParty, body: bytes | str, content_type: str | None = FORM, query: str = "") -> Answer:
    """Post any body as this client."""
    headers = {**rp.auth.prove(rp.client_id, rp.issuer).headers}
    if content_type is not None:
        headers["Content-Type"] = content_type
    return Answer.of(await rp.http.post(f"{rp.issuer}/token{query}", content=body, headers=headers))


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({}, 400, "invalid_request"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"grant_type": "password", "username": "a", "password": "b"}, 400, "unsupported_grant_type"),
        ({"grant_type": "implicit"}, 400, "unsupported_grant_type"),
        ({"grant_type": 'x"\\ä'}, 400, "unsupported_grant_type"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:device_code"}, 400, "unauthorized_client"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:saml2-bearer"}, 400, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, 400, "unauthorized_client"),
        ({"grant_type": "authorization_code", "code": "x" * 43}, 400, "invalid_grant"),
        ({"grant_type": "authorization_code"}, 400, "invalid_request"),
        ({"grant_type": "refresh_token"}, 400, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, 400, "invalid_grant"),
    ],
)
async def test_every_error_is_json_that_no_cache_keeps(
    rp: RelyingParty, fields: Mapping[str, str], status: int, error: str
) -> None:
    """RFC 6749 §5.2: 400, a code of the list, a description in printable ASCII without quotes and backslashes."""
    answer = await rp.token(**fields)

    assert (answer.status, answer.error) == (status, error)
    assert answer.headers["content-type"] == "application/json"
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    assert answer.body.keys() <= {"error", "error_description"}
    assert set(answer.body.get("error_description", "")) <= ASCII


async def test_a_success_is_json_that_no_cache_keeps(tokens: Answer) -> None:
    """RFC 6749 §5.1."""
    assert tokens.headers["content-type"] == "application/json"
    assert (tokens.headers["cache-control"], tokens.headers["pragma"]) == ("no-store", "no-cache")


@pytest.mark.parametrize(
    "content_type",
    [None, "", "application/json", "text/plain", "multipart/form-data; boundary=x", FORM + "; charset=utf-16",
     FORM + "; charset=iso-8859-1"],
)  # fmt: skip
async def test_only_forms_in_utf_8_are_read(rp: RelyingParty, content_type: str | None) -> None:
    """RFC 6749 §3.2, Appendix B: 415 for anything else."""
    answer = await post(rp, b"grant_type=client_credentials", content_type)

    assert (answer.status, answer.error) == (415, "invalid_request")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("content_type", [FORM, FORM + ";charset=UTF-8", FORM.upper(), FORM + '; charset="utf-8"'])
async def test_a_form_may_name_its_charset(rp: RelyingParty, content_type: str) -> None:
    """RFC 9110 §8.3: media types are case-insensitive."""
    answer = await post(rp, b"grant_type=client_credentials", content_type)

    assert answer.error == "unauthorized_client"


@pytest.mark.parametrize(
    "body", [b"grant_type=%ff", b"grant_type=\xff", "&".join(f"a{n}=b" for n in range(101)).encode()]
)
async def test_a_form_that_cannot_be_read_is_refused(rp: RelyingParty, body: bytes) -> None:
    """RFC 6749 §5.2, invalid_request."""
    answer = await post(rp, body)

    assert (answer.status, answer.error) == (400, "invalid_request")


async def test_a_form_of_more_than_64_kilobytes_is_refused(rp: RelyingParty) -> None:
    """RFC 9110 §15.5.14; the limit is ours."""
    head = "grant_type=client_credentials&x="
    fits = await post(rp, head + "y" * (64 * 1024 - len(head)))
    too_large = await post(rp, head + "y" * (64 * 1024 + 1 - len(head)))

    assert (fits.error, too_large.status) == ("unauthorized_client", 413)


@pytest.mark.parametrize("name", ["grant_type", "code", "redirect_uri", "code_verifier", "client_id", "scope", "extra"])
async def test_a_repeated_parameter_is_refused(rp: RelyingParty, browser: HtmlBrowser, name: str) -> None:
    """RFC 6749 §3.2; and the code is not spent by it."""
    code = await browser.authorize(rp)
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": rp.redirect_uri,
        "code_verifier": rp.codes[code].verifier,
    }
    pairs = [*fields.items(), (name, fields.get(name, rp.client_id)), (name, fields.get(name, rp.client_id))]

    answer = await rp.post("token_endpoint", pairs)

    assert (answer.status, answer.error) == (400, "invalid_request")
    assert (await rp.redeem(code)).status == 200


async def test_parameters_in_the_url_are_refused(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 6749 §2.3.1, §3.2: credentials and codes in URLs end up in logs."""
    code = await browser.authorize(rp)
    query = urlencode({"grant_type": "authorization_code", "code": code, "redirect_uri": rp.redirect_uri})

    answer = await post(rp, f"code_verifier={rp.codes[code].verifier}", query=f"?{query}")

    assert (answer.status, answer.error) == (400, "invalid_request")
    assert (await rp.redeem(code)).status == 200


async def test_the_client_is_authenticated_before_its_grant_is_looked_at(rp: RelyingParty) -> None:
    """RFC 6749 §3.2.1: a stranger does not learn what is offered, nor what is known."""
    for grant_type in ("password", "authorization_code", "refresh_token", "client_credentials"):
        answer = await rp.post("token_endpoint", {"grant_type": grant_type, "code": "x"}, auth=Basic("wrong"))

        assert (answer.status, answer.error) == (401, "invalid_client")


async def test_an_unknown_grant_type_is_refused_also_for_public_clients(provider: Provider) -> None:
    """RFC 6749 §5.2; RFC 9700 §2.4: the password grant must not be used."""
    public = await provider.client(method="none")

    assert (await public.token(grant_type="password")).error == "unsupported_grant_type"


async def test_a_get_is_refused(provider: Provider, rp: RelyingParty) -> None:
    """RFC 6749 §3.2: the client must use POST."""
    answer = Answer.of(await provider.http.get(f"{rp.issuer}/token", params={"grant_type": "client_credentials"}))

    assert (answer.status, answer.headers["allow"], answer.headers["cache-control"]) == (405, "POST", "no-store")


async def test_a_compressed_form_is_refused(rp: RelyingParty) -> None:
    """RFC 9110 §15.5.16: nothing is unpacked before anybody has proved anything."""
    response: httpx2.Response = await rp.http.post(
        f"{rp.issuer}/token", content=b"\x1f\x8b", headers={"Content-Type": FORM, "Content-Encoding": "gzip"}
    )

    assert response.status_code == 415

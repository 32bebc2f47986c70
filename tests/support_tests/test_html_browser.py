"""The browser without Chromium does what browsers do, where the provider could tell the difference."""

from collections.abc import AsyncIterator
from urllib.parse import parse_qsl

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.support.html_browser import HtmlBrowser
from tests.support.html_page import HtmlDocument

ISSUER = "http://localhost:8000"
FORM = """
<!doctype html><html lang="en"><title>A &amp; B</title><body data-page="form">
<p id="hello">Hello <b>there</b>,
   you</p>
<form id="main" method="post" action="/echo?x=1">
  <input type="hidden" name="csrf" value="t&quot;1">
  <input id="user-name" name="user-name" value="ada">
  <textarea id="note" name="note">two
lines</textarea>
  <select id="choice" name="choice"><option value="a">A<option value="b" selected>B</select>
  <input type="checkbox" id="remember" name="remember">
  <input type="radio" id="one" name="number" value="1" checked><input type="radio" id="two" name="number" value="2">
  <input name="off" value="x" disabled>
  <button id="go" name="do" value="go">Go</button> <button id="other" name="do" value="other">Other</button>
</form>
<button id="outside" form="main" formaction="/elsewhere">Outside</button>
</body></html>
"""


async def form(_request: Request) -> Response:
    answer = HTMLResponse(FORM)
    answer.set_cookie("session", "s1", samesite="lax", httponly=True)
    return answer


async def echo(request: Request) -> Response:
    return JSONResponse(
        {
            "path": str(request.url.path),
            "query": dict(request.query_params),
            "fields": parse_qsl((await request.body()).decode(), keep_blank_values=True),
            "cookies": request.cookies,
            "origin": request.headers.get("origin"),
            "site": request.headers.get("sec-fetch-site"),
        }
    )


async def redirect(request: Request) -> Response:
    status = int(request.query_params.get("status", "303"))
    return RedirectResponse(request.query_params["to"], status)


async def circle(_request: Request) -> Response:
    return RedirectResponse("/circle", 303)


@pytest.fixture
async def browser() -> AsyncIterator[HtmlBrowser]:
    routes = [Route("/form", form), Route("/redirect", redirect), Route("/circle", circle)]
    routes += [Route(path, echo, methods=["GET", "POST"]) for path in ("/echo", "/elsewhere")]
    async with HtmlBrowser(ISSUER, transport=httpx2.ASGITransport(Starlette(routes=routes))) as browser:
        yield browser


async def test_a_page_is_read(browser: HtmlBrowser) -> None:
    page = await browser.open(ISSUER + "/form")

    assert page.name == "form"
    assert page.document.title == "A & B"
    assert page.document.language == "en"
    assert page.text("hello") == "Hello there, you"


async def test_a_button_sends_what_the_form_holds(browser: HtmlBrowser) -> None:
    await browser.open(ISSUER + "/form")

    sent = (await browser.submit("go", user_name="grace")).response.json()

    assert sent["query"] == {"x": "1"}
    assert sent["fields"] == [
        ["csrf", 't"1'],
        ["user-name", "grace"],
        ["note", "two\nlines"],
        ["choice", "b"],
        ["number", "1"],
        ["do", "go"],
    ]


async def test_boxes_are_ticked_and_choices_made(browser: HtmlBrowser) -> None:
    await browser.open(ISSUER + "/form")

    sent = dict((await browser.submit("other", remember=True, two=True, choice="a")).response.json()["fields"])

    assert (sent["remember"], sent["number"], sent["choice"], sent["do"]) == ("on", "2", "a", "other")


async def test_a_button_outside_its_form_and_with_its_own_address(browser: HtmlBrowser) -> None:
    await browser.open(ISSUER + "/form")

    assert (await browser.submit("outside")).response.json()["path"] == "/elsewhere"


async def test_what_is_not_there_fails_with_what_is(browser: HtmlBrowser) -> None:
    await browser.open(ISSUER + "/form")

    with pytest.raises(AssertionError, match=r"no button 'save'.*other"):
        await browser.submit("save")
    with pytest.raises(AssertionError, match=r"no field.*nickname.*user-name"):
        await browser.submit("go", nickname="x")


async def test_own_forms_carry_cookies_and_the_own_origin(browser: HtmlBrowser) -> None:
    await browser.open(ISSUER + "/form")

    sent = (await browser.submit("go")).response.json()

    assert (sent["cookies"], sent["origin"], sent["site"]) == ({"session": "s1"}, ISSUER, "same-origin")


async def test_a_form_on_another_site_brings_no_lax_cookies(browser: HtmlBrowser) -> None:
    await browser.open(ISSUER + "/form")

    sent = (await browser.post_from_elsewhere(ISSUER + "/echo", {"a": "b"})).response.json()

    assert (sent["cookies"], sent["origin"], sent["site"]) == ({}, "https://rp.example", "cross-site")


async def test_a_link_on_another_site_brings_lax_cookies(browser: HtmlBrowser) -> None:
    await browser.open(ISSUER + "/form")

    sent = (await browser.open(ISSUER + "/echo", came_from_elsewhere=True)).response.json()

    assert (sent["cookies"], sent["origin"], sent["site"]) == ({"session": "s1"}, None, "cross-site")


async def test_a_303_is_followed_at_the_provider(browser: HtmlBrowser) -> None:
    assert (await browser.open(ISSUER + "/redirect?to=/form")).name == "form"


@pytest.mark.parametrize("to", ["https://rp.example/cb?code=1", "http://localhost:8001/cb", "com.example:/cb"])
async def test_a_303_away_from_the_provider_is_where_it_stops(browser: HtmlBrowser, to: str) -> None:
    page = await browser.open(f"{ISSUER}/redirect?to={to}")

    assert page.location == to


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_no_other_redirect_is_followed(browser: HtmlBrowser, status: int) -> None:
    """RFC 9700 §4.12: the provider redirects by 303, and tests shall see if it does not."""
    page = await browser.open(f"{ISSUER}/redirect?to=/form&status={status}")

    assert (page.status, page.location) == (status, ISSUER + "/form")


async def test_a_circle_of_redirects_ends(browser: HtmlBrowser) -> None:
    with pytest.raises(AssertionError, match="more than 10 redirects"):
        await browser.open(ISSUER + "/redirect?to=/circle")


def test_two_elements_with_one_id_are_a_fault() -> None:
    with pytest.raises(AssertionError, match="two elements"):
        HtmlDocument("<p id=a></p><p id=a></p>")

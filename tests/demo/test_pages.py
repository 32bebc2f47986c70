"""What surrounds every page of the demo: headers, cookies, escaping, and faults in words."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from idp.demo.app import create_app
from idp.demo.config import Config, ConfigError
from idp.demo.problems import WORDS
from idp.demo.tokens import decode, distance
from tests.demo.conftest import Visitor
from tests.support.html_page import HtmlDocument
from tests.support.session import REPOSITORY, clean_environment, free_port

GIVEN = {
    "issuer": "http://localhost:8000",
    "client_id": "demo",
    "client_secret": "secret",
    "bind": "127.0.0.1:8001",
    "base_url": "http://localhost:8001",
    "cookie_secret": "cookie",
}


async def test_every_answer_carries_the_headers(visitor: Visitor) -> None:
    for path in ("/", "/style.css", "/nowhere", "/signed-out"):
        await visitor.open(path)

        headers = visitor.response.headers
        assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'; img-src 'self';")
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"


async def test_pages_are_not_kept_and_the_stylesheet_is(visitor: Visitor) -> None:
    await visitor.open("/")
    page = visitor.response.headers["cache-control"]
    await visitor.open("/style.css")

    assert page == "no-store"
    assert visitor.response.headers["cache-control"] == "public, max-age=3600"


async def test_the_cookie_has_a_name_of_its_own_and_holds_no_token(signed_in: Visitor) -> None:
    """Cookies know no ports: the provider on the same host must not trip over this one."""
    assert set(signed_in.http.cookies) == {"demo_session"}
    assert len(signed_in.http.cookies["demo_session"]) < 300

    cookie = next(step for step in signed_in.response.history if "/callback" in str(step.url)).headers["set-cookie"]
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


async def test_a_forged_cookie_is_nobody(signed_in: Visitor) -> None:
    forged = signed_in.http.cookies["demo_session"][:-2] + "xx"

    answer = await signed_in.http.get(signed_in.base_url + "/", headers={"Cookie": f"demo_session={forged}"})

    assert HtmlDocument(answer.text).data_page == "home"


@pytest.mark.parametrize(
    ("path", "status", "code"), [("/nowhere", 404, "not_found"), ("/refresh", 405, "method_not_allowed")]
)
async def test_a_wrong_address_is_explained(visitor: Visitor, path: str, status: int, code: str) -> None:
    page = await visitor.open(path)

    assert visitor.response.status_code == status
    assert page.texts["error-code"] == code


async def test_a_huge_form_is_refused(visitor: Visitor) -> None:
    answer = await visitor.http.post(visitor.base_url + "/login", content=b"x" * 100_000)

    assert answer.status_code == 413


async def test_an_error_link_cannot_inject_markup(visitor: Visitor) -> None:
    page = await visitor.open("/callback?error=<script>alert(1)</script>&error_description=" + "<img src=x>" * 99)

    assert "<script" not in visitor.response.text
    assert "<img src=x" not in visitor.response.text
    assert page.data_page == "problem"


async def test_a_visitor_by_another_name_of_this_machine_is_sent_to_the_right_one(visitor: Visitor) -> None:
    elsewhere = visitor.base_url.replace("localhost", "127.0.0.1")

    answer = await visitor.http.get(elsewhere + "/login", follow_redirects=False)

    assert answer.status_code == 303
    assert answer.headers["location"] == visitor.base_url + "/"


async def test_a_provider_that_is_away_is_said_plainly() -> None:
    config = Config(**GIVEN | {"issuer": f"http://localhost:{free_port()}"})
    transport = httpx2.ASGITransport(create_app(config))

    async with httpx2.AsyncClient(transport=transport, base_url=config.base_url) as http:
        answer = await http.get("/login")

    assert answer.status_code == 503
    assert HtmlDocument(answer.text).texts["error-code"] == "provider_unreachable"


async def test_a_fault_of_its_own_shows_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idp.demo.signed_in.SignedIn.home", lambda *_: 1 / 0)
    config = Config(**GIVEN)
    transport = httpx2.ASGITransport(create_app(config), raise_app_exceptions=False)

    async with httpx2.AsyncClient(transport=transport, base_url=config.base_url) as http:
        answer = await http.get("/")

    assert answer.status_code == 500
    assert "ZeroDivisionError" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("code", sorted(WORDS))
def test_every_problem_has_a_title_and_an_explanation(code: str) -> None:
    title, explanation = WORDS[code]

    assert not title.endswith(".")
    assert explanation.endswith(".")


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "localhost"},
        {"base_url": "http://localhost:8001/"},
        {"bind": "8001"},
        {"client_secret": ""},
        {"client_id": 5},
        {"more": "x"},
    ],
)
def test_an_unusable_configuration_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        Config.from_json(json.dumps(GIVEN | change))


@pytest.mark.parametrize("token", ["", "opaque", "a.b", "a.b.c", "e30.W10.c", "e30.////.c", "é.é.é"])
def test_what_is_no_jwt_is_called_opaque(token: str) -> None:
    assert decode(token, datetime.now(UTC)) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "now"),
        (1, "in 1 second"),
        (-61, "1 minute 1 second ago"),
        (90061, "in 1 day 1 hour"),
        (-7200, "2 hours ago"),
    ],
)
def test_distances_read_like_speech(seconds: int, text: str) -> None:
    now = datetime.now(UTC)

    assert distance(now + timedelta(seconds=seconds), now) == text


def test_the_demo_imports_nothing_of_the_provider() -> None:
    program = "import sys, idp.demo.app; print(sorted(m for m in sys.modules if m.startswith('idp.')))"

    done = subprocess.run([sys.executable, "-c", program], env=clean_environment(), capture_output=True, text=True)

    modules = done.stdout.strip("[]\n").replace("'", "").split(", ")
    assert all(module == "idp.demo" or module.startswith("idp.demo.") for module in modules), modules


class TestProcess:
    """`python -m idp.demo` as the launcher sees it."""

    def test_it_serves_until_told_to_stop(self, tmp_path: Path) -> None:
        given = GIVEN | {"bind": f"127.0.0.1:{(port := free_port())}", "base_url": f"http://localhost:{port}"}
        process = self.start(json.dumps(given))
        try:
            with httpx2.Client(transport=httpx2.HTTPTransport(retries=20), trust_env=False) as http:
                answer = http.get(f"http://localhost:{port}/")
        finally:
            process.terminate()
            output = process.communicate(timeout=20)

        assert HtmlDocument(answer.text).data_page == "home"
        assert process.returncode == 0
        assert output == ("", "")

    def test_a_bad_configuration_is_one_line_and_exit_code_2(self) -> None:
        process = self.start("{}")
        output, faults = process.communicate(timeout=20)

        assert process.returncode == 2
        assert output == ""
        assert faults.count("\n") == 1

    @staticmethod
    def start(configuration: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", "idp.demo"],
            cwd=REPOSITORY,
            env=clean_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        process.stdin.write(configuration)
        process.stdin.close()
        process.stdin = None
        return process

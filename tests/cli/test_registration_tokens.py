"""`idp client registration-token`: the secret is shown once, kept as a digest, and works until it is revoked."""

import json
from pathlib import Path
from typing import Any

import pytest

from idp.domain.client import Profile
from idp.flows.client_registration import Caller
from idp.oauth.extensions.registration import BadToken
from idp.wiring import Site
from tests.support.policy_terminal import Done, Terminal, seated


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_url: str) -> Terminal:
    return seated(monkeypatch, tmp_path, sqlite_url)


def run(terminal: Terminal, *arguments: str) -> Done:
    return terminal.run("registration-token", *arguments, group="client")


def made(terminal: Terminal, *options: str) -> dict[str, Any]:
    done = run(terminal, "create", *options, "--json")
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def register(terminal: Terminal, token: str) -> Profile | None:
    """Register a client by a token; return its profile, None if the token is no good."""
    found: list[Profile | None] = []

    async def work(site: Site) -> None:
        assert site.registration is not None
        caller = Caller(token, "192.0.2.1", "r")
        try:
            answer = await site.registration.register({"redirect_uris": ["https://rp.example/cb"]}, caller)
        except BadToken:
            found.append(None)
        else:
            found.append(answer.client.profile)

    terminal.fill(work)
    return found[0]


def test_a_token_is_made_shown_once_and_registers_as_many_clients_as_it_says(terminal: Terminal) -> None:
    token = made(terminal, "--profile", "oidc", "--uses", "2", "--life", "12h", "--scope", "openid x")
    listed = json.loads(run(terminal, "list", "--json").stdout)

    assert (token["profile"], token["remaining"], token["scope"]) == ("oidc", 2, "openid x")
    assert token["grant_types"] == ["authorization_code", "refresh_token"]
    assert token["registration_endpoint"].endswith("/register")
    assert token["made_by"].startswith("command line: ")
    assert listed == [{name: value for name, value in token.items()
                       if name not in ("initial_access_token", "registration_endpoint")}]  # fmt: skip
    secret = token["initial_access_token"]
    assert [register(terminal, secret) for _ in range(3)] == [Profile.OIDC, Profile.OIDC, None]
    assert json.loads(run(terminal, "list", "--json").stdout)[0]["remaining"] == 0


def test_a_revoked_token_registers_nothing_more(terminal: Terminal) -> None:
    token = made(terminal, "--uses", "5")
    assert register(terminal, token["initial_access_token"]) is Profile.OAUTH21

    assert run(terminal, "revoke", token["id"]).returncode == 0
    again = run(terminal, "revoke", token["id"])

    assert (again.returncode, len(again.stderr.splitlines())) == (1, 1)
    assert register(terminal, token["initial_access_token"]) is None
    assert run(terminal, "list").stdout == "no tokens\n"


@pytest.mark.parametrize(
    ("options", "code"),
    [(("--uses", "0"), 1), (("--uses", "10001"), 1), (("--life", "366d"), 1), (("--life", "0s"), 1),
     (("--life", "soon"), 2), (("--profile", "fapi9"), 2), (("--grant", "password"), 2), (("--scope", 'a"b'), 1)],
)  # fmt: skip
def test_a_token_that_makes_no_sense_is_refused_in_one_line(
    terminal: Terminal, options: tuple[str, ...], code: int
) -> None:
    done = run(terminal, "create", *options)

    assert done.returncode == code
    assert done.stderr.strip()
    assert run(terminal, "list").stdout == "no tokens\n"


def test_no_token_is_made_where_registration_is_off(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDP_CLIENT_REGISTRATION", "off")

    done = run(terminal, "create")

    assert done.returncode == 1
    assert "IDP_CLIENT_REGISTRATION" in done.stderr


@pytest.mark.parametrize("text", ["", "[]", '{"https://a.example": {}}', '{"https://a.example": {"keys": []}}'])
def test_a_file_of_statement_issuers_that_cannot_be_read_stops_the_start(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("IDP_SOFTWARE_STATEMENT_ISSUERS", terminal.write("issuers.json", text))

    with pytest.raises(Exception, match="IDP_SOFTWARE_STATEMENT_ISSUERS"):
        run(terminal, "list")

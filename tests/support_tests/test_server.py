"""The server that tests get is a real process: it starts, stops, dies and comes back on demand."""

import signal
from pathlib import Path

import httpx2
import pytest

from tests.support.server import ServerFault, ServerProcess


async def ask(server: ServerProcess, path: str) -> httpx2.Response:
    async with httpx2.AsyncClient(trust_env=False) as http:
        return await http.get(server.issuer + path)


async def test_it_answers_until_it_is_stopped(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path) as server:
        document = (await ask(server, "/.well-known/openid-configuration")).json()

    assert document["issuer"] == server.issuer
    assert not server.is_running


async def test_a_stopped_server_ends_by_itself_and_comes_back_at_its_address(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path)
    await server.start()
    keys = (await ask(server, "/jwks")).json()

    assert await server.stop() in (0, -signal.SIGTERM)  # the second is how a program says that it was asked to end
    async with server:
        assert (await ask(server, "/jwks")).json() == keys


async def test_a_killed_server_is_gone_at_once_and_comes_back(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path)
    await server.start()

    server.kill()

    assert not server.is_running
    async with server:
        assert (await ask(server, "/health/live")).status_code == 200


async def test_several_workers_share_one_address_and_end_together(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path, workers=2) as server:
        answers = [(await ask(server, "/health/live")).status_code for _ in range(4)]

    assert answers == [200] * 4
    with pytest.raises(httpx2.ConnectError):
        await ask(server, "/health/live")


async def test_it_runs_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    async with ServerProcess(tmp_path, database_url=postgres_url) as server:
        assert (await ask(server, "/health/ready")).status_code == 200


async def test_users_and_clients_are_made_by_the_command_line(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path) as server:
        user = await server.create_user("ada", "correct horse battery staple")
        client = await server.create_client(["https://rp.example/callback"])

    assert user["email"] == "ada@example.org"
    assert client["redirect_uris"] == ["https://rp.example/callback"]
    assert client["client_secret"]


async def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, settings={"IDP_NO_SUCH_SETTING": "1"})

    with pytest.raises(ServerFault, match="NO_SUCH_SETTING"):
        await server.start()

    assert not server.is_running

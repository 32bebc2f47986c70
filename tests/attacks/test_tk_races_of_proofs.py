"""TK24, TK28, AZ31, AZ34: what counts once, sent to two workers at the same moment, counts once (PostgreSQL)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from tests.support.attacker import through
from tests.support.client_auth import Proof
from tests.support.dpop import ProofKey, send
from tests.support.jose import forge
from tests.support.provider import CALLBACK, Person
from tests.support.pushed import PUSHED, url_of
from tests.support.relying_party import RelyingParty
from tests.support.target import Target, target

KEY = ECKey.generate_key("P-256", {"kid": "k1", "alg": "ES256"})
ROUNDS = 5
TOKEN = "token_endpoint"
MACHINE = {"grant_type": "client_credentials"}


@pytest.fixture(scope="module")
async def workers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Target, Target]]:
    """Two workers on one database."""
    folder: Path = tmp_path_factory.mktemp("workers")
    async with target("postgresql", folder) as first, first.twin() as second:
        yield first, second


async def members(rp: RelyingParty) -> dict[str, str]:
    return dict((await rp.authorization_request()).parameters)


async def test_az31_of_two_answers_to_one_request_object_one_is_sent(workers: tuple[Target, Target]) -> None:
    """RFC 9101 §10.2: two people hold the same object; the other is told that it was answered."""
    rp = await workers[0].client(key=KEY, is_first_party=True)
    for number in range(ROUNDS):
        claims: dict[str, Any] = {**await members(rp), "iss": rp.client_id, "aud": rp.issuer, "jti": f"j{number}"}
        text = forge({"alg": "ES256"}, claims | {"exp": int(rp.now()) + 60}, KEY, "ES256")
        people = [await worker.person() for worker in workers]

        async def go(worker: Target, person: Person, text: str = text) -> str:
            sent = {"client_id": rp.client_id, "redirect_uri": CALLBACK, "request": text}
            async with worker.browser(person) as browser:
                page = await browser.open(url_of(rp, sent), came_from_elsewhere=True)
                while page.name == "login":
                    page = await browser.sign_in()
                return "code" if "code=" in (page.location or "") else "error"

        ends = await asyncio.gather(*(go(*each) for each in zip(workers, people, strict=True)))
        assert sorted(ends) == ["code", "error"]


async def test_tk28_of_one_jti_at_two_endpoints_one_counts(workers: tuple[Target, Target]) -> None:
    """RFC 9449 §11.1: remembered per key, whatever the proof was made for."""
    rp = await workers[0].client(grant_types=["authorization_code", "client_credentials"], scope="openid api")
    key = ProofKey(now=workers[0].clock.timestamp)
    for number in range(ROUNDS):
        at_token, at_par = (key.proof("POST", f"{rp.issuer}/{path}", jti=f"j{number}") for path in ("token", "par"))

        answers = await asyncio.gather(
            send(rp, TOKEN, at_token, **MACHINE), send(through(workers[1], rp), PUSHED, at_par, **await members(rp))
        )

        assert sorted(answer.status < 300 for answer in answers) == [False, True]
        (refused,) = [answer for answer in answers if answer.status >= 300]
        assert (refused.status, refused.error) == (400, "invalid_dpop_proof")


async def test_tk24_of_one_assertion_at_two_endpoints_one_counts(workers: tuple[Target, Target]) -> None:
    """RFC 7523 §3: the jti is spent for all endpoints and workers together."""
    rp = await workers[0].client(
        key=KEY, method="private_key_jwt", grant_types=["authorization_code", "client_credentials"], scope="openid api"
    )
    for _ in range(ROUNDS):
        once = Proof(rp.auth.prove(rp.client_id, rp.issuer).fields)

        answers = await asyncio.gather(
            rp.post(TOKEN, MACHINE, auth=once), through(workers[1], rp).post(PUSHED, await members(rp), auth=once)
        )

        assert sorted(answer.status < 300 for answer in answers) == [False, True]
        (refused,) = [answer for answer in answers if answer.status >= 300]
        assert (refused.status, refused.error) == (401, "invalid_client")

"""What proofs and assertions cost the database: one statement each, that which remembers them."""

from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from idp.storage.database import Transaction
from tests.support.certificates import DN, ByCertificate, certificate
from tests.support.dpop import ProofKey, send, userinfo
from tests.support.financial import financial_provider
from tests.support.provider import Provider
from tests.support.pushed import PUSHED
from tests.support.relying_party import Answer, RelyingParty

KEY = ECKey.generate_key("P-256")
GRANTS = {"grant_types": ["authorization_code", "refresh_token", "client_credentials"], "scope": "openid api"}
MACHINE = {"grant_type": "client_credentials"}
_counted: ContextVar[list[str] | None] = ContextVar("counted", default=None)


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    folder: Path = tmp_path_factory.mktemp("statements")
    async with financial_provider(folder) as provider:
        yield provider


@pytest.fixture(autouse=True)
def _listening(monkeypatch: pytest.MonkeyPatch) -> None:
    """Note each statement of the test's own task; the provider's chores are no part of it."""
    execute = Transaction.execute

    async def noted(self: Transaction, statement: Any, *arguments: Any) -> Any:
        if (told := _counted.get()) is not None:
            told.append(str(statement))
        return await execute(self, statement, *arguments)

    monkeypatch.setattr(Transaction, "execute", noted)


@contextmanager
def noting() -> Iterator[list[str]]:
    told: list[str] = []
    token = _counted.set(told)
    try:
        yield told
    finally:
        _counted.reset(token)


async def cost(asking: Awaitable[Answer]) -> int:
    """Return how many statements a request takes that is answered well."""
    with noting() as told:
        answer = await asking
    assert answer.status in (200, 201), answer.text
    assert told
    return len(told)


def proof(rp: RelyingParty, path: str, **more: Any) -> str:
    return ProofKey(now=rp.now).proof("POST", f"{rp.issuer}{path}", **more)


async def test_a_proof_costs_a_token_request_its_replay_record_alone(provider: Provider) -> None:
    rp = await provider.client(**GRANTS)
    await provider.settle()
    await send(rp, "token_endpoint", None, **MACHINE)  # what was changed is read anew once

    plain = await cost(send(rp, "token_endpoint", None, **MACHINE))
    bound = await cost(send(rp, "token_endpoint", proof(rp, "/token"), **MACHINE))

    assert bound == plain + 1


async def test_an_assertion_costs_its_replay_record_alone_and_a_certificate_nothing(provider: Provider) -> None:
    by_secret = await provider.client(**GRANTS)
    by_key = await provider.client(method="private_key_jwt", key=KEY, **GRANTS)
    by_certificate = await provider.client(method="tls_client_auth", tls_client_auth_subject_dn=DN, **GRANTS)
    by_certificate.auth = ByCertificate(certificate().field)
    by_certificate._metadata = by_certificate._metadata | by_certificate._metadata["mtls_endpoint_aliases"]

    await provider.settle()
    for rp in (by_secret, by_key, by_certificate):  # what was changed is read anew once
        await rp.post("token_endpoint", MACHINE)

    secret, key, own, both = [
        await cost(asking)
        for asking in (
            by_secret.post("token_endpoint", MACHINE),
            by_key.post("token_endpoint", MACHINE),
            by_certificate.post("token_endpoint", MACHINE),
            send(by_key, "token_endpoint", proof(by_key, "/token"), **MACHINE),
        )
    ]

    assert (key - secret, own - secret, both - secret) == (1, 0, 2)


async def test_a_proof_costs_a_push_and_a_resource_the_same(provider: Provider) -> None:
    rp, person = await provider.client(**GRANTS), await provider.person()
    await provider.settle()
    key = ProofKey(now=rp.now)
    sent = dict((await rp.authorization_request()).parameters)
    async with provider.browser(person) as browser:
        bearer = (await rp.redeem(await browser.authorize(rp))).access_token
        code = await browser.authorize(rp)
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": rp.redirect_uri,
              "code_verifier": rp.codes[code].verifier}  # fmt: skip
    bound = (await send(rp, "token_endpoint", key.proof("POST", f"{rp.issuer}/token"), **fields)).access_token

    pushed = await cost(send(rp, PUSHED, None, **sent)), await cost(send(rp, PUSHED, proof(rp, "/par"), **sent))
    signed = key.proof("GET", f"{rp.issuer}/userinfo", token=bound)
    asked = await cost(rp.userinfo(bearer)), await cost(userinfo(rp, bound, signed))

    assert (pushed[1] - pushed[0], asked[1] - asked[0]) == (1, 1)

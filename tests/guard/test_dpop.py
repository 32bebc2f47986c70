"""RFC 9449 at an API: a bound token is good only with a proof of its key, for this call, once."""

import base64
import hashlib
import time
from dataclasses import dataclass, field

import httpx2
import pytest
from idp_guard import Guard
from idp_guard.checks import TestProvider
from idp_guard.dpop import ReplaysInMemory
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey
from starlette.applications import Starlette

from tests.guard.conftest import AUDIENCE


@dataclass
class Caller:
    """A client that holds a key."""

    token: str
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256"))

    def proof(self, header: dict[str, object] | None = None, **claims: object) -> str:
        """Make a proof for GET /balance."""
        ath = base64.urlsafe_b64encode(hashlib.sha256(self.token.encode()).digest()).rstrip(b"=").decode()
        usual = {"htm": "GET", "htu": f"{AUDIENCE}/balance", "iat": int(time.time()), "jti": "one", "ath": ath}
        told = {name: value for name, value in (usual | claims).items() if value is not None}
        head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.key.as_dict(private=False)} | (header or {})
        return jwt.encode(head, told, self.key, algorithms=["ES256"])

    async def call(self, app: Starlette, *proofs: str, scheme: str = "DPoP") -> httpx2.Response:
        """Call with these proofs."""
        headers = [("Authorization", f"{scheme} {self.token}"), *(("DPoP", proof) for proof in proofs)]
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=AUDIENCE) as http:
            return await http.get("/balance?page=2", headers=headers)


@pytest.fixture
def caller(provider: TestProvider) -> Caller:
    key = ECKey.generate_key("P-256")
    return Caller(provider.token(aud=AUDIENCE, cnf={"jkt": key.thumbprint()}), key)


async def test_a_bound_token_needs_a_proof(app: Starlette, caller: Caller) -> None:
    answer = await caller.call(app)

    assert answer.status_code == 401
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith("DPoP ")
    assert 'error="invalid_dpop_proof"' in challenge
    assert "ES256" in challenge


async def test_a_bound_token_is_no_bearer_token(app: Starlette, caller: Caller) -> None:
    """RFC 9449 §7.2."""
    answer = await caller.call(app, caller.proof(), scheme="Bearer")

    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_a_bearer_token_is_not_bound_by_its_scheme(app: Starlette, provider: TestProvider) -> None:
    caller = Caller(provider.token(aud=AUDIENCE))

    assert (await caller.call(app, caller.proof())).status_code == 401


async def test_a_proof_is_good_once(app: Starlette, caller: Caller) -> None:
    proof = caller.proof()

    assert (await caller.call(app, proof)).status_code == 200
    assert (await caller.call(app, proof)).status_code == 401
    assert (await caller.call(app, caller.proof(jti="two"))).status_code == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"htm": "POST"},
        {"htm": None},
        {"htu": "https://other.example/balance"},
        {"htu": f"{AUDIENCE}/transfers"},
        {"htu": "https://[broken"},
        {"iat": -600},
        {"iat": 600},
        {"iat": "now"},
        {"ath": None},
        {"ath": "AAAA"},
        {"jti": None},
        {"jti": "x" * 300},
    ],
    ids=lambda claims: "-".join(f"{name}={str(value)[:12]}" for name, value in claims.items()),
)
async def test_a_proof_for_something_else_is_refused(app: Starlette, caller: Caller, claims: dict[str, object]) -> None:
    told = {name: int(time.time()) + value if isinstance(value, int) else value for name, value in claims.items()}

    answer = await caller.call(app, caller.proof(**told))

    assert answer.status_code == 401
    assert 'error="invalid_dpop_proof"' in answer.headers["www-authenticate"]


async def test_the_address_is_compared_without_query_and_case(app: Starlette, caller: Caller) -> None:
    answer = await caller.call(app, caller.proof(htu="HTTPS://API.example:443/balance?page=9#x"))

    assert answer.status_code == 200


async def test_another_key_does_not_help(app: Starlette, caller: Caller) -> None:
    thief = Caller(caller.token)

    assert (await thief.call(app, thief.proof())).status_code == 401


async def test_a_proof_is_no_other_jwt(app: Starlette, caller: Caller) -> None:
    assert (await caller.call(app, caller.proof({"typ": "JWT"}))).status_code == 401


async def test_a_private_key_in_the_header_is_refused(app: Starlette, caller: Caller) -> None:
    """RFC 9449 §4.3 point 7."""
    assert (await caller.call(app, caller.proof({"jwk": caller.key.as_dict(private=True)}))).status_code == 401


async def test_a_shared_secret_is_no_key(app: Starlette, caller: Caller) -> None:
    secret = OctKey.generate_key(256)
    header = {"typ": "dpop+jwt", "alg": "HS256", "jwk": secret.as_dict(private=True)}
    proof = jwt.encode(header, {"htm": "GET"}, secret, algorithms=["HS256"])

    assert (await caller.call(app, proof)).status_code == 401


async def test_two_proofs_are_one_too_many(app: Starlette, caller: Caller) -> None:
    assert (await caller.call(app, caller.proof(), caller.proof(jti="two"))).status_code == 401


@pytest.mark.parametrize("proof", ["", "a.b", "a.b.c", "e30.e30.e30", "x" * 10_000])
async def test_garbage_is_no_proof(app: Starlette, caller: Caller, proof: str) -> None:
    assert (await caller.call(app, proof)).status_code == 401


async def test_the_memory_of_proofs_is_bounded() -> None:
    now = [0.0]
    replays = ReplaysInMemory(most=2, now=lambda: now[0])
    assert await replays.is_new("a", seconds=10)
    assert not await replays.is_new("a", seconds=10)

    now[0] = 11.0

    assert await replays.is_new("a", seconds=10)
    assert await replays.is_new("b", seconds=10)
    assert await replays.is_new("c", seconds=10)
    assert len(replays._seen) == 2


async def test_a_guard_takes_no_bearer_for_a_bound_token_even_under_another_host(
    guard: Guard, provider: TestProvider, app: Starlette, caller: Caller
) -> None:
    """The Host header is the caller's; the address of the proof is compared with our own name."""
    headers = [("Authorization", f"DPoP {caller.token}"), ("DPoP", caller.proof()), ("Host", "evil.example")]
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=AUDIENCE) as http:
        assert (await http.get("/balance", headers=headers)).status_code == 200
        evil = caller.proof(htu="https://evil.example/balance", jti="three")
        headers[1] = ("DPoP", evil)
        assert (await http.get("/balance", headers=headers)).status_code == 401

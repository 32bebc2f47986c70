"""The code flow whose request is pushed and whose tokens are bound to a DPoP key, against the plain one, on one server.

Plain: authorize and redeem, with an ID token by RS256. Bound: a push with a proof, authorize by its reference, redeem
with a proof, and an ID token by ES256. What is compared is the CPU time of the server for a whole flow, in turns.
"""

import json
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from joserfc.jwk import ECKey

from bench.load import Reply
from bench.operations import CHALLENGE, VERIFIER, Client, Operation, request
from bench.processes import REDIRECT_URI, SCOPES, Subject
from tests.support.dpop import ProofKey

WANTED = 1.6
PLAIN = (Operation("authorize", WANTED, 303), Operation("code", WANTED, 200))
PUSHED = (
    Operation("push", WANTED, 201), Operation("pushed_authorize", WANTED, 303), Operation("bound_code", WANTED, 200),
)  # fmt: skip


@dataclass(frozen=True)
class Bound:
    """CPU seconds of the server for one flow of each kind: the least of all rounds."""

    database: str
    plain: float
    bound: float

    @property
    def ratio(self) -> float:
        """Return how many times the plain flow the bound one costs."""
        return self.bound / self.plain

    @property
    def is_met(self) -> bool:
        """Say whether that is little enough."""
        return self.ratio <= WANTED


@dataclass
class BoundClient(Client):
    """A client that pushes its requests and proves a key with each."""

    references: list[str] = field(default_factory=list)
    key: ProofKey = field(default_factory=lambda: ProofKey(ECKey.generate_key("P-256", private=True), now=time.time))

    def requests(self, name: str, count: int) -> Sequence[bytes]:
        """Return prepared requests for a step of the bound flow, at most as many as there is something to spend."""
        steps: dict[str, Callable[[int], Sequence[bytes]]] = {
            "push": self._push, "pushed_authorize": self._authorize, "bound_code": self._redeem,
        }  # fmt: skip
        return steps[name](count)

    def _keep(self, name: str, replies: Sequence[Reply]) -> None:
        if name == "push":
            self.references = [json.loads(reply.body)["request_uri"] for reply in replies]
        elif name == "pushed_authorize":
            super()._keep("authorize", replies)

    def _proof(self, path: str) -> str:
        return "DPoP: " + self.key.proof("POST", f"{self.subject.issuer}{path}")

    def _push(self, count: int) -> Sequence[bytes]:
        return [
            self._post(
                "/par", self._proof("/par"), response_type="code", client_id=self.subject.client_id,
                redirect_uri=REDIRECT_URI, scope=SCOPES, state="a-state-of-some-length", code_challenge=CHALLENGE,
                nonce=secrets.token_urlsafe(16), code_challenge_method="S256",
            )
            for _ in range(count)
        ]  # fmt: skip

    def _authorize(self, count: int) -> Sequence[bytes]:
        headers = (f"Cookie: {self.subject.cookie}", "Accept: text/html", "Sec-Fetch-Site: cross-site")
        return [
            request(
                self.subject, "GET",
                f"/authorize?{urlencode({'client_id': self.subject.client_id, 'request_uri': each})}", *headers,
            )
            for each in self.references[:count]
        ]  # fmt: skip

    def _redeem(self, count: int) -> Sequence[bytes]:
        return [
            self._post(
                "/token", self._proof("/token"), grant_type="authorization_code", code=code,
                redirect_uri=REDIRECT_URI, code_verifier=VERIFIER,
            )
            for code in self.codes[:count]
        ]  # fmt: skip


async def measure(database: str, subject: Subject, *, requests: int, rounds: int) -> Bound:
    """Run both flows in turns; raise Unexpected if an answer is not the right one."""
    bound = BoundClient(replace(subject, client_id=subject.bound_id, client_secret=subject.bound_secret))
    kinds: tuple[tuple[Client, Sequence[Operation]], ...] = ((Client(subject), PLAIN), (bound, PUSHED))
    best = [float("inf")] * len(kinds)
    for round_number in range(rounds + 1):
        for number, (client, steps) in enumerate(kinds):
            used = subject.cpu_seconds()
            for step in steps:
                await client.run(step, requests)
            if round_number:  # the first one warms up
                best[number] = min(best[number], (subject.cpu_seconds() - used) / requests)
    return Bound(database, *best)

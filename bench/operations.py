"""The operations that are measured, and the prepared requests for each; every code and token comes from the server."""

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from urllib.parse import parse_qsl, urlencode, urlsplit

from bench.load import Reply, Run, Unexpected, drive
from bench.processes import OWN_SCOPE, REDIRECT_URI, SCOPES, Subject

VERIFIER = "a-verifier-of-the-least-length-that-is-allowed"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@dataclass(frozen=True)
class Operation:
    """One line of the table."""

    name: str
    wanted: float  #: at most this many times the floor's CPU time
    status: int
    needs: tuple[str, ...] = ()  #: what must run before, to have something to spend
    weight: int = 1  #: cheap ones are repeated more, since the kernel counts CPU time in steps of 10 ms


OPERATIONS = (
    Operation("client_credentials", 2.0, 200, (), 2),
    Operation("authorize", 2.5, 303),
    Operation("code", 2.5, 200, ("authorize",)),
    Operation("refresh", 2.5, 200, ("authorize", "code")),
    Operation("introspection", 2.0, 200, ("authorize", "code"), 2),
    Operation("userinfo", 2.0, 200, ("authorize", "code"), 2),
    Operation("discovery", 1.3, 200, (), 5),
    Operation("jwks", 1.3, 200, (), 5),
)


def with_needs(only: str | None) -> list[Operation]:
    """Return the operations to run so that `only` can be measured; all if it is None."""
    if only is None:
        return list(OPERATIONS)
    chosen = next(operation for operation in OPERATIONS if operation.name == only)
    return [operation for operation in OPERATIONS if operation is chosen or operation.name in chosen.needs]


@dataclass
class Client:
    """A relying party and a browser at one server: makes requests in bulk and keeps what comes back to be spent."""

    subject: Subject
    codes: list[str] = field(default_factory=list)
    refresh_tokens: list[str] = field(default_factory=list)
    access_tokens: list[str] = field(default_factory=list)

    async def run(self, operation: Operation, count: int) -> Run:
        """Drive the server with one operation; raise Unexpected if an answer is not the right one."""
        requests = self.requests(operation.name, count)
        run = await drive(self.subject.port, requests)
        for reply in run.replies:
            if reply.status != operation.status:
                text = (reply.head + reply.body).decode(errors="replace")
                raise Unexpected(f"{self.subject.name}, {operation.name}: {text[:1000]}")
        self._keep(operation.name, run.replies)
        return run

    def requests(self, name: str, count: int) -> Sequence[bytes]:
        """Return prepared requests for an operation, at most as many as there is something to spend."""
        return _REQUESTS[name](self, count)

    def _keep(self, name: str, replies: Sequence[Reply]) -> None:
        match name:
            case "authorize":
                self.codes = [dict(parse_qsl(urlsplit(reply.header("location")).query))["code"] for reply in replies]
            case "code" | "refresh":
                documents = [json.loads(reply.body) for reply in replies]
                self.access_tokens = [document["access_token"] for document in documents]
                self.refresh_tokens = [document["refresh_token"] for document in documents]
            case "introspection" if b'"active":true' not in replies[0].body.replace(b" ", b""):
                raise Unexpected(f"{self.subject.name}: {replies[0].body!r}")

    def _post(self, path: str, *more: str, **form: str) -> bytes:
        credentials = f"{self.subject.client_id}:{self.subject.client_secret}".encode()
        headers = (
            f"Authorization: Basic {base64.b64encode(credentials).decode()}",
            "Content-Type: application/x-www-form-urlencoded",
            *more,
        )
        return request(self.subject, "POST", path, *headers, body=urlencode(form).encode())

    def client_credentials(self, count: int) -> Sequence[bytes]:
        """Ask for a token of the client's own."""
        return [self._post("/token", grant_type="client_credentials", scope=OWN_SCOPE)] * count

    def authorize(self, count: int) -> Sequence[bytes]:
        """Ask for codes as somebody who is signed in and has consented."""
        query = {
            "response_type": "code", "client_id": self.subject.client_id, "redirect_uri": REDIRECT_URI,
            "scope": SCOPES, "state": "a-state-of-some-length", "nonce": "a-nonce-of-some-length",
            "code_challenge": CHALLENGE, "code_challenge_method": "S256",
        }  # fmt: skip
        headers = (f"Cookie: {self.subject.cookie}", "Accept: text/html", "Sec-Fetch-Site: cross-site")
        return [request(self.subject, "GET", f"/authorize?{urlencode(query)}", *headers)] * count

    def code(self, count: int) -> Sequence[bytes]:
        """Redeem the codes."""
        return [
            self._post(
                "/token", grant_type="authorization_code", code=code, redirect_uri=REDIRECT_URI, code_verifier=VERIFIER
            )
            for code in self.codes[:count]
        ]

    def refresh(self, count: int) -> Sequence[bytes]:
        """Spend the refresh tokens."""
        return [
            self._post("/token", grant_type="refresh_token", refresh_token=token)
            for token in self.refresh_tokens[:count]
        ]

    def introspection(self, count: int) -> Sequence[bytes]:
        """Ask about the access tokens."""
        return [self._post("/introspect", token=token) for token in islice(cycle(self.access_tokens), count)]

    def userinfo(self, count: int) -> Sequence[bytes]:
        """Ask for the person behind the access tokens."""
        return [
            request(self.subject, "GET", "/userinfo", f"Authorization: Bearer {token}")
            for token in islice(cycle(self.access_tokens), count)
        ]

    def discovery(self, count: int) -> Sequence[bytes]:
        """Ask for the metadata."""
        return [request(self.subject, "GET", "/.well-known/openid-configuration")] * count

    def jwks(self, count: int) -> Sequence[bytes]:
        """Ask for the public keys."""
        return [request(self.subject, "GET", "/jwks")] * count


_REQUESTS: dict[str, Callable[[Client, int], Sequence[bytes]]] = {
    operation.name: getattr(Client, operation.name) for operation in OPERATIONS
}


def request(subject: Subject, method: str, path: str, *headers: str, body: bytes = b"") -> bytes:
    """Return the bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: localhost:{subject.port}", *headers]
    if method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

"""HTTP/1.1 as it may come in: uvicorn's protocol on h11, with an end to every wait and one reading of every request.

What two parsers could read differently – two lengths, a length beside chunks, bare line feeds, folded lines – is
answered with 400 and the connection closes, so that nothing can be smuggled past a proxy in front (RFC 9112 §6, §11.2).
A request head may take 10 s, its body 30 s, and a reader who stops reading is dropped after 30 s.
"""

import asyncio
import re
import ssl
import sys
from http import HTTPStatus
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_HEAD = 16 * 1024
_END_OF_HEAD = re.compile(rb"\n\r?\n")
_FRAMING = re.compile(rb"\r\n(content-length|transfer-encoding)[ \t]*:[ \t]*([^\r]*)", re.IGNORECASE)


def fault_in(head: bytes) -> str | None:
    """Return why a request head could be read in two ways, None if it cannot."""
    if _has_odd_lines(head):
        return "lines must end with CRLF, and none may be folded"
    framing = [(name.lower(), value.strip(b" \t").lower()) for name, value in _FRAMING.findall(head)]
    if len(framing) > 1:
        return "the length of the body is given twice"
    for name, value in framing:
        if name == b"content-length" and not value.isdigit():
            return "Content-Length must be a number"
        if name == b"transfer-encoding" and (value != b"chunked" or b" HTTP/1.1\r\n" not in head):
            return "the only transfer coding is chunked, in HTTP/1.1"
    return None


def _has_odd_lines(head: bytes) -> bool:
    """Say whether a line ends in another way than CRLF, is folded, or has NUL; much quicker so than by a pattern."""
    is_plain = head.count(b"\n") == head.count(b"\r\n") == head.count(b"\r")
    return not is_plain or b"\n " in head or b"\n\t" in head or b"\0" in head


class StrictConnection(h11.Connection):
    """h11, which is lenient where RFC 9112 lets a server choose, without its leniency."""

    def next_event(self) -> Any:
        """Return the next event; raise RemoteProtocolError for a head that could be read in two ways."""
        if self.their_state is h11.IDLE:
            received = self.trailing_data[0]
            end = _END_OF_HEAD.search(received)
            fault = fault_in(received[: end.end()]) if end else None
            if fault is not None:
                raise h11.RemoteProtocolError(fault)
        return super().next_event()


def telling(app: Any, certificate: bytes | None) -> Any:
    """Return an application that is told of a TLS connection, and of the client's certificate (ASGI TLS extension)."""
    chain = [] if certificate is None else [ssl.DER_cert_to_PEM_cert(certificate)]
    told = {"client_cert_chain": chain, "client_cert_error": None}  # a chain that does not hold ends the handshake

    async def tell(scope: Any, receive: Any, send: Any) -> None:
        await app(scope | {"extensions": {**scope.get("extensions", {}), "tls": told}}, receive, send)

    return tell


class BoundedProtocol(H11Protocol):
    """One connection, none of whose waits lasts for ever."""

    head_seconds = 10.0
    body_seconds = 30.0
    write_seconds = 30.0
    leave_seconds = 1.0

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Take what uvicorn gives."""
        super().__init__(*arguments, **options)
        self.conn = StrictConnection(h11.SERVER, MAX_HEAD)
        self._stage: str | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None
        self._is_last = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        secured = transport.get_extra_info("ssl_object")
        if secured is not None:
            self.app = telling(self.app, secured.getpeercert(binary_form=True))
        self._enter("head")

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all clocks."""
        self._enter(None)
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes, and see what is waited for now."""
        super().data_received(data)
        self._look()

    def shutdown(self) -> None:
        """Finish what was begun when the server is told to stop; who has just connected may still ask one thing."""
        if self._stage == "head" and not self._is_last:
            self._is_last = True
            self.loop.call_later(self.leave_seconds, self._leave)
        else:
            super().shutdown()

    def on_response_complete(self) -> None:
        """Go on with what came meanwhile."""
        super().on_response_complete()
        self._look()

    def pause_writing(self) -> None:
        """Give a client that does not read what it asked for a last chance."""
        super().pause_writing()
        if self._stalled is None:
            self._stalled = self.loop.call_later(self.write_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """See that it reads again."""
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be read: 431 if the head is too long, 400 for anything else."""
        error = sys.exc_info()[1]
        too_long = isinstance(error, h11.RemoteProtocolError) and error.error_status_hint == 431
        self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE if too_long else HTTPStatus.BAD_REQUEST)

    def _refuse(self, status: HTTPStatus) -> None:
        headers = [("content-length", "0"), ("connection", "close"), ("cache-control", "no-store")]
        response = h11.Response(status_code=status, headers=headers, reason=status.phrase)
        for event in (response, h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _leave(self) -> None:
        if self._stage == "head" and not self.transport.is_closing():
            super().shutdown()

    def _look(self) -> None:
        if self._is_last and self.cycle is not None:
            self.cycle.keep_alive = False
        if self.transport.is_closing():
            self._enter(None)
        elif self.conn.their_state is h11.SEND_BODY:
            self._enter("body")
        elif self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._enter("head")
        else:
            self._enter(None)  # answering, or idle between requests: uvicorn's keep-alive clock runs

    def _enter(self, stage: str | None) -> None:
        """Note what is waited for; a clock that runs for it already runs on."""
        if stage == self._stage:
            return
        self._stage = stage
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if stage is not None:
            seconds = self.head_seconds if stage == "head" else self.body_seconds
            self._deadline = self.loop.call_later(seconds, self._give_up)

    def _give_up(self) -> None:
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE) and not self.transport.is_closing():
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()

"""People who sign in: prepared posts of name and password from browsers never seen before."""

import re
from collections.abc import Sequence
from urllib.parse import urlencode

from bench.load import Reply, Run, Unexpected, drive
from bench.operations import CHALLENGE, request
from bench.processes import PASSWORD, REDIRECT_URI, SCOPES, Subject, username

PAGE = ("Accept: text/html", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")
_CSRF = re.compile(rb'name="csrf" value="([^"]+)"')


async def prepare_sign_ins(subject: Subject, count: int) -> Sequence[bytes]:
    """Return posts of the sign-in page, each of another browser; the people take turns."""
    query = urlencode(
        {
            "response_type": "code", "client_id": subject.client_id, "redirect_uri": REDIRECT_URI, "scope": SCOPES,
            "state": "a-state", "code_challenge": CHALLENGE, "code_challenge_method": "S256",
        }
    )  # fmt: skip
    begun = await drive(subject.port, [request(subject, "GET", f"/authorize?{query}", *PAGE)] * count)
    browsers = [_cookies(reply) for reply in begun.replies]
    paths = [reply.header("location").removeprefix(subject.issuer) for reply in begun.replies]
    pages = await drive(
        subject.port,
        [request(subject, "GET", path, *PAGE, cookie) for path, cookie in zip(paths, browsers, strict=True)],
    )
    return [
        _post(subject, path, cookie, _csrf(reply), username(i % subject.people))
        for i, (path, cookie, reply) in enumerate(zip(paths, browsers, pages.replies, strict=True))
    ]


async def sign_in(subject: Subject, posts: Sequence[bytes], *, connections: int) -> Run:
    """Send prepared posts; raise Unexpected unless each of them signs somebody in."""
    run = await drive(subject.port, posts, connections=connections)
    for reply in run.replies:
        if reply.status != 303 or b"idp_session=" not in reply.head:
            raise Unexpected(f"a sign-in failed: {reply.head!r} {reply.body[-500:]!r}")
    return run


def _cookies(reply: Reply) -> str:
    if reply.status != 303:
        raise Unexpected(f"no way to the sign-in page: {reply.head!r}")
    return "Cookie: " + "; ".join(f"{name}={value}" for name, value in reply.cookies().items())


def _csrf(reply: Reply) -> str:
    found = _CSRF.search(reply.body)
    if found is None:
        raise Unexpected(f"not the sign-in page: {reply.head!r}")
    return found[1].decode()


def _post(subject: Subject, path: str, cookie: str, csrf: str, name: str) -> bytes:
    form = {"csrf": csrf, "username": name, "password": PASSWORD, "login-submit": "1"}
    headers = ("Content-Type: application/x-www-form-urlencoded", "Sec-Fetch-Site: same-origin", cookie)
    return request(subject, "POST", path, *PAGE, *headers, body=urlencode(form).encode())

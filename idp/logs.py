"""One JSON line per event on standard error; nothing secret in it, even at DEBUG.

What a secret could hide in is masked by name; libraries may not speak below WARNING, since some print tokens.
"""

import logging
import sys
import time
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any

import structlog

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
SECRET_NAMES = frozenset(
    {
        "access_token", "assertion", "authorization", "client_assertion", "client_secret", "code", "code_verifier",
        "cookie", "csrf", "email", "id_token", "id_token_hint", "nonce", "password", "refresh_token", "secret", "state",
        "token", "username",
    }
)  # fmt: skip
LIBRARIES = ("alembic", "asyncio", "asyncpg", "authlib", "httpcore2", "httpx2", "joserfc", "sqlalchemy", "uvicorn")
Line = MutableMapping[str, Any]


def _mask(_logger: Any, _method: str, line: Line) -> Line:
    for name in SECRET_NAMES & line.keys():
        line[name] = "***"
    identifier = request_id.get()
    if identifier is not None:
        line.setdefault("request_id", identifier)
    return line


_second: list[Any] = [0, ""]
_access_is_on = False


def configure(level: str) -> None:
    """Set up logging of this process; called once, before anything is logged."""
    shared: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _mask,
    ]
    structlog.configure(
        processors=[
            *shared,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    global _access_is_on
    _access_is_on = logging.getLevelName(level) <= logging.INFO
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(ensure_ascii=True),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)


def access(*, route: str, method: str, status: int, milliseconds: float) -> None:
    """Write the line of one request; its fields are ours, so it needs none of the machinery of other lines."""
    if not _access_is_on:
        return
    whole, fraction = divmod(time.time_ns(), 1_000_000_000)
    if whole != _second[0]:
        _second[:] = [whole, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))]
    sys.stderr.write(
        f'{{"route": "{route}", "method": "{method}", "status": {status}, "ms": {milliseconds:.2f}, '
        f'"event": "request", "level": "info", "timestamp": "{_second[1]}.{fraction // 1000:06}Z", '
        f'"request_id": "{request_id.get() or ""}"}}\n'
    )

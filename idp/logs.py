"""One JSON line per event on standard error; nothing secret in it, even at DEBUG.

What a secret could hide in is masked by name; libraries may not speak below WARNING, since some print tokens.
"""

import logging
import sys
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

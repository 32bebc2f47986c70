"""`python -m idp.demo`: read the configuration from standard input, then serve until told to stop.

Standard input carries one JSON object (see config.py) and must be closed by the caller: this way the client secret
appears neither in the process list nor in the environment. Ends with 0 on SIGTERM and SIGINT, 2 if the configuration is
wrong, 3 if the address cannot be used.
"""

import contextlib
import signal
import sys
from types import FrameType

import uvicorn

from idp.demo.app import create_app
from idp.demo.config import Config, ConfigError

GRACE_SECONDS = 5


def main() -> int:
    """Serve the demo and return the exit code."""
    for wanted in (signal.SIGTERM, signal.SIGINT):
        signal.signal(wanted, _leave)
    try:
        config = Config.from_json(sys.stdin.read())
    except ConfigError as error:
        sys.stderr.write(f"idp.demo: {error}\n")
        return 2
    _serve(config)
    return 0


def _serve(config: Config) -> None:
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(config),
            host=config.host,
            port=config.port,
            access_log=False,  # request lines hold authorization codes
            log_level="warning",
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    with contextlib.suppress(KeyboardInterrupt):
        server.run()


def _leave(_number: int, _frame: FrameType | None) -> None:
    """Exit at once: before serving there is nothing to finish, afterwards uvicorn has already finished it."""
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())

"""The provider with a sampling profiler inside: `python -m bench.profiled serve`, so that nothing in idp/ knows of it.

Every millisecond of CPU time (or as often as the kernel's clock allows) the stack is noted. `GET /-/profile/NAME` ends
a stretch: the stacks since the last mark are written to $BENCH_PROFILES/NAME.json, most frequent first.
"""

import json
import os
import signal
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

import greenlet
from starlette.types import ASGIApp, Receive, Scope, Send

from idp.cli import main, serve

MARK = "/-/profile/"
PERIOD_SECONDS = 0.001


class Sampler:
    """Counts stacks; a stack reads from the innermost frame outwards, as (file, function, line)."""

    def __init__(self) -> None:
        """Begin to count."""
        self.stacks: Counter[tuple[tuple[str, str, int], ...]] = Counter()
        signal.signal(signal.SIGPROF, self._note)
        signal.setitimer(signal.ITIMER_PROF, PERIOD_SECONDS, PERIOD_SECONDS)

    def _note(self, _number: int, frame: FrameType | None) -> None:
        stack = []
        here: Any = greenlet.getcurrent()
        while frame is not None or here.parent is not None:
            if frame is None:  # SQLAlchemy runs its synchronous core in a greenlet: go on with who called it
                here = here.parent
                frame = here.gr_frame
                continue
            stack.append((frame.f_code.co_filename, frame.f_code.co_qualname, frame.f_lineno))
            frame = frame.f_back
        self.stacks[tuple(stack)] += 1


class Marks:
    """Wraps the application; everything but marks passes through."""

    def __init__(self, app: ASGIApp, folder: Path) -> None:
        """Begin a stretch that nobody will ask for."""
        self._app = app
        self._folder = folder
        self._sampler = Sampler()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, or end a stretch."""
        if scope["type"] != "http" or not scope["path"].startswith(MARK):
            await self._app(scope, receive, send)
            return
        stacks, self._sampler.stacks = self._sampler.stacks, Counter()
        file = self._folder / f"{scope['path'].removeprefix(MARK)}.json"
        file.write_text(json.dumps([[count, stack] for stack, count in stacks.most_common()]))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


if __name__ == "__main__":
    plain = serve.application
    serve.application = lambda: Marks(plain(), Path(os.environ["BENCH_PROFILES"]))
    main()

"""An event loop whose clock jumps to the next timer instead of waiting for it: hours pass at once, and exactly."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class _Jumping(selectors.SelectSelector):
    """Never sleeps: where nothing is ready, the time that would have passed is added to the loop's clock."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready now."""
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "everything waits, and nothing will ever happen"
            self.seconds += timeout
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return the seconds that have passed."""
        return self._jumping.seconds


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run to the end; it must not wait for sockets or threads."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(coroutine)


def elapsed() -> float:
    """Return the seconds since the running loop began."""
    return asyncio.get_running_loop().time()

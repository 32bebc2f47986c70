"""The one seam between Authlib, which calls and returns, and our stores, which are awaited.

`run` lets blocking-style code work on the event loop; inside it, `wait` suspends the whole call until a
store has answered. Nothing inside may block: no password hash, no HTTP, no file.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.util import await_only, greenlet_spawn

A = TypeVar("A")
T = TypeVar("T")


async def run(function: Callable[[A], T], argument: A) -> T:
    """Run Authlib's code; its hooks may call `wait`."""
    result: T = await greenlet_spawn(function, argument)
    return result


def wait(answer: Awaitable[T]) -> T:
    """Wait for a store from inside `run`."""
    result: T = await_only(answer)
    return result

"""An ASGI application on a real port of this process, for whoever cannot be handed a transport."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp

START_SECONDS = 20


@asynccontextmanager
async def served(app: ASGIApp, listener: socket.socket) -> AsyncIterator[None]:
    """Serve the application on a listening socket, in a thread with an event loop of its own."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        async with asyncio.timeout(START_SECONDS):
            while not server.started:
                assert thread.is_alive(), "the server did not start"
                await asyncio.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        await asyncio.to_thread(thread.join)


def listening() -> tuple[socket.socket, str]:
    """Return a socket on a free port, and its address as people type it."""
    listener = socket.create_server(("127.0.0.1", 0))
    return listener, f"http://localhost:{listener.getsockname()[1]}"

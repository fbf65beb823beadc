"""Serves the application over the socket that the supervisor keeps, until nobody looks or the supervisor is gone.

uvicorn does the work, with four differences: it does not wake ten times a second to look whether it should end; a
client that does not send a whole request within seconds is cut off, because sixty-four of them would keep all others
out; the process ends by itself after ten minutes without a request; and the loop that serves writes heartbeats, so the
supervisor sees when it gets nowhere.
"""

from __future__ import annotations

import asyncio
import os
import socket
from typing import TYPE_CHECKING, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from supervisor.process.heartbeat import SERVING, UNASKED
from supervisor.web.guard import HEAD_LIMIT
from tasks.errors import EXIT_OK, EXIT_TRY_LATER
from tasks.runtime.heartbeat_writer import PipeSink

if TYPE_CHECKING:
    from types import FrameType

    from starlette.types import ASGIApp, Receive, Scope, Send
    from uvicorn.protocols.http.h11_impl import RequestResponseCycle

IDLE_S: Final = 600.0
MOST_CONNECTIONS: Final = 64
REQUEST_S: Final = 5.0  # a browser sends its request at once
BEAT_S: Final = 2.0
_GRACE_S: Final = 1


class _Protocol(H11Protocol):
    """One connection, which is cut off when its request is not complete in time."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn narrows it
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._expect()

    def data_received(self, data: bytes) -> None:
        """Take what came; the first byte of a further request is the beginning of its time."""
        if self._deadline is None and not self._is_answering():
            self._expect()
        super().data_received(data)

    def handle_events(self) -> None:
        """Handle what is complete; a request that is has met its deadline."""
        super().handle_events()
        if self._is_answering():
            self._expect_nothing()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._expect_nothing()
        super().connection_lost(exc)

    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _expect(self) -> None:
        self._deadline = self.loop.call_later(REQUEST_S, self.transport.close)

    def _expect_nothing(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class _Server(uvicorn.Server):
    """uvicorn's server, ended by an event instead of a look ten times a second."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._over = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def end(self) -> None:
        """Serve what is under way, then end; call it in the loop's thread."""
        self.should_exit = True
        self._over.set()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        """A signal: end. Called as a signal handler, so the loop does the rest."""
        self._loop.call_soon_threadsafe(self.end)

    async def main_loop(self) -> None:
        """Wait for the end."""
        await self._over.wait()


class _Activity:
    """Passes requests on, and tells what it sees of them: when the last one came, and how many are being answered."""

    def __init__(self, app: ASGIApp, *, idle_s: float = IDLE_S, beat_s: float = BEAT_S) -> None:
        self._app = app
        self._idle_s = idle_s
        self._beat_s = beat_s
        self._last_s = 0.0
        self._active = 0
        self._beats = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._last_s = asyncio.get_running_loop().time()
        self._active += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._active -= 1

    async def over(self) -> None:
        """Return when nobody has asked for anything for `idle_s`."""
        loop = asyncio.get_running_loop()
        self._last_s = loop.time()
        while (left_s := self._last_s + self._idle_s - loop.time()) > 0:  # noqa: ASYNC110 - none wakes it
            await asyncio.sleep(left_s)

    async def beat(self, sink: PipeSink) -> None:
        """Write a heartbeat every `beat_s`, for ever: each turn of the loop is the progress it reports."""
        while True:
            self._beats += 1
            sink({"event": "beat", "phase": SERVING if self._active else UNASKED, "progress": self._beats})
            await asyncio.sleep(self._beat_s)


def serve(app: ASGIApp, listening_fd: int, status_fd: int, lifeline_fd: int) -> int:
    """Serve `app`, after saying over `status_fd` that it is ready; the exit code.

    It is 75 when the supervisor is gone, which is seen at the end of `lifeline_fd`.
    """
    return asyncio.run(_serve(app, listening_fd, status_fd, lifeline_fd))


async def _serve(app: ASGIApp, listening_fd: int, status_fd: int, lifeline_fd: int) -> int:
    loop = asyncio.get_running_loop()
    activity = _Activity(app)
    config = uvicorn.Config(
        activity,
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_GRACE_S,
        h11_max_incomplete_event_size=HEAD_LIMIT,
    )
    server = _Server(config)
    orphaned = asyncio.Event()

    def at_lifeline() -> None:
        if not os.read(lifeline_fd, 4096):
            loop.remove_reader(lifeline_fd)
            orphaned.set()
            server.end()

    loop.add_reader(lifeline_fd, at_lifeline)
    sink = PipeSink(status_fd)
    sink({"event": "ready", "pid": os.getpid()})
    idle = asyncio.create_task(activity.over())
    idle.add_done_callback(lambda _: server.end())
    beats = asyncio.create_task(activity.beat(sink))
    listening: list[socket.socket] = [socket.socket(fileno=listening_fd)]
    await server.serve(sockets=listening)
    idle.cancel()
    beats.cancel()
    return EXIT_TRY_LATER if orphaned.is_set() else EXIT_OK

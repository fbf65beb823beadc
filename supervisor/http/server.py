"""A small HTTP server on the loopback interface, in one thread of its own: GET and HEAD, one answer a connection.

Beside the loop and not in it, so that it can still answer when the loop is stuck, which is when people ask, and so that
no bug in an answer ends the run. One thread for all clients: each has a few seconds from its first byte to its last,
however it spends them, and when there are too many the oldest gives way, so a stuck one keeps nobody out.
"""

from __future__ import annotations

import os
import select
import selectors
import socket
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from ledger import NS_PER_S
from supervisor.config.host_names import HOST
from supervisor.http.request import BadRequest, parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger import Clock

CLIENT_S: Final = 5.0
MOST_CLIENTS: Final = 16
_READ_BYTES: Final = 4_096
_PAUSE_S: Final = 0.2
PLAIN: Final = "text/plain; charset=utf-8"


class Response(NamedTuple):
    """What a client is told."""

    status: HTTPStatus
    body: bytes
    kind: str = PLAIN


class Handler(Protocol):
    """Knows the answers. Called in the server's thread; must return within a few seconds."""

    def __call__(self, path: str) -> Response:
        """The answer to a request for `path`."""


class Client:
    """A connection: what came of its request, and what of its answer is still to go."""

    def __init__(self, connection: socket.socket, ends_ns: int) -> None:
        self.connection = connection
        self.ends_ns = ends_ns
        self.request = bytearray()
        self.answer: memoryview | None = None


class HttpServer:
    """Listens from its construction on; answers from `start` until `close`."""

    def __init__(
        self,
        port: int,
        answer: Handler,
        clock: Clock,
        failed: Callable[[Exception], object],
        *,
        hosts: frozenset[str] = frozenset(),
    ) -> None:
        """Listen on `port`, 0 for any; `failed` is told, in the server's thread, of a bug in `answer`.

        `hosts` are names that requests may be for besides `localhost` and addresses.

        Raises:
            OSError: the port is taken, or not ours to take.
        """
        self._answer = answer
        self._hosts = hosts
        self._clock = clock
        self._failed = failed
        self._listener = socket.create_server((HOST, port), backlog=MOST_CLIENTS)
        self._listener.setblocking(False)
        self._wake_read, self._wake_write = os.pipe()
        self._clients: dict[int, Client] = {}  # by descriptor, the oldest first
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._serve, name="http", daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self._listener.getsockname()[1]}"

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self, timeout_s: float) -> None:
        """Stop; answers under way are cut off. One that takes longer than `timeout_s` is left to the process' end."""
        os.write(self._wake_write, b"\0")
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        if self._thread.is_alive():
            return
        for client in list(self._clients.values()):
            self._drop(client)
        self._selector.close()
        self._listener.close()
        for fd in (self._wake_read, self._wake_write):
            os.close(fd)

    def _serve(self) -> None:
        while True:
            ready = {key.fd for key, _ in self._selector.select(self._timeout_s())}
            if self._wake_read in ready:
                return
            for fd in ready & set(self._clients):
                self._move(self._clients[fd])
            for client in [one for one in self._clients.values() if one.ends_ns <= self._clock.now_ns()]:
                self._drop(client)
            if self._listener.fileno() in ready:
                self._accept()

    def _timeout_s(self) -> float | None:
        oldest = next(iter(self._clients.values()), None)
        return None if oldest is None else max(0.0, (oldest.ends_ns - self._clock.now_ns()) / NS_PER_S)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:  # gone again; or no descriptor is left, which must not become a loop without a pause
            select.select([self._wake_read], [], [], _PAUSE_S)
            return
        connection.setblocking(False)
        if len(self._clients) >= MOST_CLIENTS:
            self._drop(next(iter(self._clients.values())))
        client = Client(connection, self._clock.now_ns() + round(CLIENT_S * NS_PER_S))
        self._clients[connection.fileno()] = client
        self._selector.register(connection, selectors.EVENT_READ)

    def _drop(self, client: Client) -> None:
        self._selector.unregister(client.connection)
        del self._clients[client.connection.fileno()]
        client.connection.close()

    def _move(self, client: Client) -> None:
        """Go on with a client that can be read from, or written to while it has an answer to get."""
        try:
            if client.answer:
                self._send(client)
                return
            data = client.connection.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(client)
        elif client.answer is None:  # later bytes are read and forgotten, so that closing loses no answer
            client.request += data
            self._take(client)

    def _take(self, client: Client) -> None:
        """Answer as soon as the request is complete."""
        request = parse(bytes(client.request), self._hosts)
        if request is None:
            return
        if isinstance(request, BadRequest):
            answer, has_body = Response(request.status, f"{request.words}\n".encode()), True
        else:
            answer, has_body = self._answer_to(request.path), request.has_body
        client.answer = memoryview(_written(answer, has_body=has_body))
        self._selector.modify(client.connection, selectors.EVENT_WRITE)

    def _answer_to(self, path: str) -> Response:
        try:
            return self._answer(path)
        except Exception as error:  # noqa: BLE001 - whoever asks how the run is must not end it
            self._failed(error)
            return Response(HTTPStatus.INTERNAL_SERVER_ERROR, b"a bug, see the log\n")

    def _send(self, client: Client) -> None:
        """Send what goes; when all is sent, say so and wait until the client has closed too."""
        rest = client.answer or memoryview(b"")
        client.answer = rest[client.connection.send(rest) :]
        if not client.answer:
            client.connection.shutdown(socket.SHUT_WR)
            self._selector.modify(client.connection, selectors.EVENT_READ)


def _written(answer: Response, *, has_body: bool) -> bytes:
    head = [
        f"HTTP/1.1 {answer.status.value} {answer.status.phrase}",
        f"Content-Type: {answer.kind}",
        f"Content-Length: {len(answer.body)}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        "Connection: close",
    ]
    if answer.status is HTTPStatus.METHOD_NOT_ALLOWED:
        head.append("Allow: GET, HEAD")
    return "\r\n".join([*head, "", ""]).encode() + (answer.body if has_body else b"")

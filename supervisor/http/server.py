"""A small HTTP server: GET and HEAD, one answer a connection.

It runs beside the supervisor's loop, in a thread with a loop of its own: so it can still answer when the supervisor is
stuck, which is when people ask, and no bug in an answer ends the run. The standard library parses requests, but its
servers do not serve here: they take a thread for each client, which 200 slow ones would use up, and their time limit
starts anew with every byte. Here a client has `CLIENT_S` from its first byte to its last, and the oldest gives way
when all places are taken.
"""

from __future__ import annotations

import socket
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from supervisor.config.host_names import url_of
from supervisor.eventloop.listener import Connection, Listener
from supervisor.eventloop.loop import Loop
from supervisor.http.request import HttpRequest, parse
from supervisor.http.response import Response, refusal, to_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger import Clock

CLIENT_S: Final = 5.0
MOST_CLIENTS: Final = 16


class HttpServer:
    """Listens from its construction on; answers from `start` until `close`."""

    def __init__(
        self,
        address: tuple[str, int],
        answer: Callable[[HttpRequest], Response],
        clock: Clock,
        failed: Callable[[Exception], object],
        *,
        hosts: frozenset[str] = frozenset(),
    ) -> None:
        """Listen on an IP address and a port, 0 for any, and answer requests.

        `answer` gives the answers, within a few seconds; `failed` is called with the exception of a bug in it. Both are
        called in the server's thread. `hosts` are names that requests may be for besides `localhost` and addresses.

        Raises:
            OSError: the port is taken, the address is none of this machine's, or this process may not have it.
        """
        self._answer = answer
        self._failed = failed
        self._hosts = hosts
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        listening = socket.create_server(address, family=family, backlog=MOST_CLIENTS)
        self.url = url_of(address[0], listening.getsockname()[1])
        self._loop = Loop(clock)
        self._listener = Listener(
            listening, self._loop, lambda accepted: _Client(accepted, self._loop, self._reply), places=MOST_CLIENTS
        )
        self._thread = threading.Thread(target=self._loop.run, name="http", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self, timeout_s: float) -> None:
        """Stop; answers under way are cut off. One that takes longer than `timeout_s` is left to the process' end."""
        self._loop.call(self._loop.end)
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        if not self._thread.is_alive():
            self._listener.close()
            self._loop.close()

    def _reply(self, received: bytes) -> bytes | None:
        """The bytes of the answer to a request; None while the request is not complete."""
        request = parse(received, self._hosts)
        if request is None:
            return None
        if isinstance(request, Response):
            return to_bytes(request, with_body=True)
        try:
            response = self._answer(request)
        except Exception as error:  # noqa: BLE001 - whoever asks how the run is must not end it
            self._failed(error)
            response = refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "a bug, see the log")
        return to_bytes(response, with_body=request.method != "HEAD")


class _Client(Connection):
    """One client: reads its request, then sends the answer."""

    def __init__(self, accepted: socket.socket, loop: Loop, reply: Callable[[bytes], bytes | None]) -> None:
        super().__init__(accepted, loop, limit_s=CLIENT_S)
        self._reply = reply
        self._request = b""
        self._has_answer = False
        self._unsent = memoryview(b"")

    def received(self, data: bytes) -> None:
        """Answer as soon as the request is complete."""
        if not data:
            self.end()
        elif not self._has_answer:  # what comes after a request is read and forgotten, so that closing loses no answer
            self._request += data
            reply = self._reply(self._request)
            if reply is not None:
                self._has_answer, self._unsent = True, memoryview(reply)
                self._loop.forget(self._socket.fileno())
                self._loop.watch(self._socket.fileno(), self._send, writable=True)

    def _send(self) -> None:
        """Send what the socket takes; when all is sent, say so and wait until the client has closed too."""
        try:
            self._unsent = self._unsent[self._socket.send(self._unsent) :]
            if self._unsent:
                return
            self._socket.shutdown(socket.SHUT_WR)
        except BlockingIOError:
            return
        except OSError:
            self.end()
            return
        self._loop.forget(self._socket.fileno())
        self._loop.watch(self._socket.fileno(), self._read)

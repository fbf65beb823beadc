"""The control socket: one order a connection, one line of JSON each way, and nobody who connects can hold up the loop.

It lies in the state directory with mode 0600, so the kernel lets in its owner and root alone. Its address may be longer
than a socket's may be (108 bytes), so it is reached through a descriptor of the directory.
"""

from __future__ import annotations

import os
import socket
import struct
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from supervisor.control import protocol
from supervisor.control.protocol import Answer, NotUnderstood
from tasks.errors import EXIT_USAGE, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from supervisor.eventloop.loop import Loop, Timer
    from supervisor.logs.log import Log

    Take = Callable[[protocol.Order, Callable[[Answer], object], str], object]

CLIENTS: Final = 16
ORDER_S: Final = 5.0  # a program sends its line at once; who does not is cut off
_READ_BYTES: Final = 4096
_PAUSE_S: Final = 1.0
_CREDENTIALS: Final = struct.Struct("3i")  # pid, uid, gid: unix(7), SO_PEERCRED


@contextmanager
def address(path: Path) -> Iterator[str]:
    """An address of the socket at `path` that is short however long the path is.

    Raises:
        OSError: its directory is not there.
    """
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


class ControlServer:
    """Listens until `close`. Only the holder of the state directory's lock may make one."""

    def __init__(self, path: Path, loop: Loop, log: Log, take: Take) -> None:
        """Replace what a killed supervisor left.

        Raises:
            OSError: there can be no socket at `path`.
        """
        self._path = path
        self._loop = loop
        self._log = log
        self._take = take
        self._clients: list[_Client] = []
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            path.unlink(missing_ok=True)
            os.fchmod(self._listener.fileno(), 0o600)  # Linux gives the file this mode, so it never has another one
            with address(path) as short:
                self._listener.bind(short)
            self._listener.listen(CLIENTS)
        except OSError:
            self._listener.close()
            raise
        self._again: Timer | None = None
        self._listen()

    def close(self) -> None:
        """Take no more orders; whoever still waits for an answer sees the end of the connection. Once is enough."""
        if self._listener.fileno() < 0:
            return
        if self._again is not None:
            self._again.cancel()
        self._loop.forget(self._listener.fileno())
        self._listener.close()
        for client in [*self._clients]:
            client.end()
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _listen(self) -> None:
        self._loop.watch(self._listener.fileno(), self._accept)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except BlockingIOError:
            return  # gone again
        except OSError:
            # No descriptors are left: the one that waits would wake the loop again and again.
            self._loop.forget(self._listener.fileno())
            self._again = self._loop.after(_PAUSE_S, self._listen)
            return
        if len(self._clients) >= CLIENTS:
            # One that has not even sent its order gives way; those with an order under way do not.
            idle = next((client for client in self._clients if not client.has_ordered), None)
            if idle is None:
                connection.close()
                return
            idle.end()
        self._clients.append(_Client(connection, self._loop, self._heard, self._clients.remove))

    def _heard(self, client: _Client, line: bytes) -> None:
        try:
            order = protocol.read_order(line)
        except NotUnderstood as error:
            self._log.info("order_not_understood", message=f"from {client.name}: {plain(error)}")
            client.answer(Answer(code=EXIT_USAGE, words=plain(error)))
            return
        self._take(order, client.answer, client.name)


class _Client:
    """One connection."""

    def __init__(
        self,
        connection: socket.socket,
        loop: Loop,
        heard: Callable[[_Client, bytes], object],
        ended: Callable[[_Client], object],
    ) -> None:
        connection.setblocking(False)
        self.has_ordered = False
        self.name = _name_of(connection)
        self._connection = connection
        self._loop = loop
        self._heard = heard
        self._ended = ended
        self._got = b""
        self._is_open = True
        self._timer: Timer = loop.after(ORDER_S, self.end)
        loop.watch(connection.fileno(), self._read)

    def answer(self, said: Answer) -> None:
        """Send the answer and end; one that does not take it at once does not get it."""
        if self._is_open:
            with suppress(OSError):
                self._connection.send(protocol.line_of(said))
            self.end()

    def end(self) -> None:
        """Close the connection; once is enough."""
        if self._is_open:
            self._is_open = False
            self._timer.cancel()
            self._loop.forget(self._connection.fileno())
            self._connection.close()
            self._ended(self)

    def _read(self) -> None:
        try:
            data = self._connection.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if self.has_ordered and not data:
            self._loop.forget(self._connection.fileno())  # it has said all and may still wait for the answer
            return
        if not data or self.has_ordered:
            self.end()
            return
        self._got += data
        line, newline, _ = self._got.partition(b"\n")
        if newline:
            self.has_ordered = True
            self._timer.cancel()
            self._heard(self, line)
        elif len(self._got) > protocol.LIMIT:
            self.answer(
                Answer(code=EXIT_USAGE, words=f"no order: more than {protocol.LIMIT} bytes without a line's end")
            )


def _name_of(connection: socket.socket) -> str:
    """Who it is, for the log."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(raw)
    return f"pid {pid}" if uid == os.geteuid() else f"pid {pid} of user {uid}"

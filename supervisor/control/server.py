"""The control socket: one order a connection, one line of JSON each way, and nobody who connects can hold up the loop.

Threads: none. Everything here runs in the loop's thread, and neither reading nor writing blocks it.

Protocol (`supervisor.control.protocol`): the client sends its order and keeps the connection. The answer comes when the
order is carried out, which may take minutes, and then the connection is closed.

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
from supervisor.eventloop.listener import Connection, Listener
from tasks.errors import EXIT_USAGE, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from supervisor.eventloop.loop import Loop
    from supervisor.logs.log import Log

    Take = Callable[[protocol.Order, Callable[[Answer], object], str], object]

CLIENTS: Final = 16
ORDER_S: Final = 5.0  # a program sends its line at once; one that does not is cut off
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

    def __init__(self, path: Path, loop: Loop, log: Log, take: Take, *, order_s: float = ORDER_S) -> None:
        """Replace the socket that a killed supervisor left at `path`; a client has `order_s` to send its order.

        Raises:
            OSError: there can be no socket at `path`.
        """
        self._path = path
        self._log = log
        self._take = take
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            path.unlink(missing_ok=True)
            os.fchmod(self._listening.fileno(), 0o600)  # Linux gives the file this mode, so it never has another one
            with address(path) as short:
                self._listening.bind(short)
            self._listening.listen(CLIENTS)
        except OSError:
            self._listening.close()
            raise
        self._listener = Listener(
            self._listening, loop, lambda accepted: _Client(accepted, loop, self._ordered, order_s), places=CLIENTS
        )

    def close(self) -> None:
        """Take no more orders; whoever still waits for an answer sees the end of the connection. Once is enough."""
        if self._listening.fileno() < 0:
            return
        self._listener.close()
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _ordered(self, client: _Client, line: bytes) -> None:
        try:
            order = protocol.read_order(line)
        except NotUnderstood as error:
            self._log.info("order_not_understood", message=f"from {client.name}: {plain(error)}")
            client.answer(Answer(code=EXIT_USAGE, words=plain(error)))
            return
        self._take(order, client.answer, protocol.given_by(order, client.name))


class _Client(Connection):
    """One connection. It gives way to others until it has sent its order."""

    def __init__(
        self, accepted: socket.socket, loop: Loop, ordered: Callable[[_Client, bytes], object], order_s: float
    ) -> None:
        super().__init__(accepted, loop, limit_s=order_s)
        self.name = _name_of(accepted)
        self._ordered = ordered
        self._line = b""

    def answer(self, answer: Answer) -> None:
        """Send the answer and end; a client that does not take it at once does not get it."""
        if self.is_open:
            with suppress(OSError):
                self._socket.send(protocol.line_of(answer))
            self.end()

    def received(self, data: bytes) -> None:
        """Hand the order on when its line is complete."""
        has_ordered = not self.may_give_way
        if has_ordered and not data:
            self._loop.forget(self._socket.fileno())  # it has sent all and may still wait for the answer
            return
        if has_ordered or not data:
            self.end()
            return
        self._line += data
        line, newline, _ = self._line.partition(b"\n")
        if newline:
            self.may_give_way = False
            self._timer.cancel()
            self._ordered(self, line)
        elif len(self._line) > protocol.LIMIT:
            reason = f"not an order: more than {protocol.LIMIT} bytes without a newline"
            self.answer(Answer(code=EXIT_USAGE, words=reason))


def _name_of(accepted: socket.socket) -> str:
    """The client's pid, and its user where that is another one, for the log."""
    raw = accepted.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(raw)
    return f"pid {pid}" if uid == os.geteuid() else f"pid {pid} of user {uid}"

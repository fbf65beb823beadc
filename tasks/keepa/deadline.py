"""One deadline for a whole call: from looking up the server's name to the last byte of the reply.

A limit for each silence does not limit the whole: a server that sends a byte of a header, a `100 Continue` or a piece
of a chunk's size now and then keeps a reader busy for ever. So when the time is over another thread shuts the
connection, and the reader, in whatever part of the protocol, reads its end.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Deadline:
    """The deadline of the call that is being made, one at a time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._lock = threading.Lock()
        self._handles: list[socket.socket] = []
        self._until = time.monotonic() + seconds
        self._is_running = False
        self.has_connected = False
        self.is_over = False

    @contextmanager
    def running(self) -> Iterator[None]:
        """Measure from now on; afterwards `is_over` says whether the time was over before the call was."""
        self._until = time.monotonic() + self.seconds
        self.is_over = self.has_connected = False
        self._is_running = True
        timer = threading.Timer(self.seconds, self._end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            with self._lock:
                self._is_running = False
                handles, self._handles = self._handles, []
            for handle in handles:
                handle.close()

    def left_s(self) -> float:
        """Seconds that are left, 0 when there are none."""
        return max(0.0, self._until - time.monotonic())

    def watch(self, connection: socket.socket) -> None:
        """Shut this connection too when the time is over, whatever it is wrapped in by then."""
        handle = socket.fromfd(connection.fileno(), connection.family, connection.type)
        with self._lock:
            self.has_connected = True
            self._handles.append(handle)
            is_late = self.is_over or not self._is_running
        if is_late:
            _shut(handle)

    def _end(self) -> None:
        with self._lock:
            if not self._is_running:
                return
            self.is_over = True
            for handle in self._handles:
                _shut(handle)


def _shut(handle: socket.socket) -> None:
    with suppress(OSError):  # it is shut already
        handle.shutdown(socket.SHUT_RDWR)

"""Accepts connections for a server, bounded in number and in time, so that no client keeps the others out.

The control socket and the HTTP port stand on it. Every connection has a time limit, however busy it looks. When all
places are taken, the oldest connection that may give way is closed for the new one. When no file descriptor is left,
accepting pauses; otherwise the connection that waits would wake the loop again and again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from supervisor.eventloop.loop import Loop, Timer

_READ_BYTES: Final = 4_096
_PAUSE_S: Final = 0.2


class Connection(ABC):
    """One accepted connection. A server subclasses it and says what becomes of the bytes."""

    def __init__(self, accepted: socket.socket, loop: Loop, *, limit_s: float) -> None:
        """Read from `accepted`; `end` it after `limit_s` seconds unless the timer is cancelled before."""
        accepted.setblocking(False)
        self.is_open = True
        self.may_give_way = True
        self._socket = accepted
        self._loop = loop
        self._timer = loop.after(limit_s, self.end)
        loop.watch(accepted.fileno(), self._read)

    def end(self) -> None:
        """Close the connection; more than once changes nothing."""
        if self.is_open:
            self.is_open = False
            self._timer.cancel()
            self._loop.forget(self._socket.fileno())
            self._socket.close()

    @abstractmethod
    def received(self, data: bytes) -> None:
        """Handle what the client sent; b"" when it sends no more, or is gone."""

    def _read(self) -> None:
        try:
            data = self._socket.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.received(data)


class Listener:
    """Accepts on a listening socket until `close`."""

    def __init__(
        self, listening: socket.socket, loop: Loop, accepted: Callable[[socket.socket], Connection], *, places: int
    ) -> None:
        """Make a connection of each client with `accepted`, and keep at most `places` of them open."""
        listening.setblocking(False)
        self._listening = listening
        self._loop = loop
        self._accepted = accepted
        self._places = places
        self._connections: list[Connection] = []
        self._pause: Timer | None = None
        self._listen()

    @property
    def connections(self) -> list[Connection]:
        """The open connections, the oldest first."""
        self._connections = [one for one in self._connections if one.is_open]
        return self._connections

    def close(self) -> None:
        """End every connection and accept no more."""
        if self._pause is not None:
            self._pause.cancel()
        self._loop.forget(self._listening.fileno())
        self._listening.close()
        for connection in self.connections:
            connection.end()

    def _listen(self) -> None:
        self._loop.watch(self._listening.fileno(), self._accept)

    def _accept(self) -> None:
        try:
            accepted, _ = self._listening.accept()
        except BlockingIOError:
            return  # the client is gone again
        except OSError:
            self._loop.forget(self._listening.fileno())
            self._pause = self._loop.after(_PAUSE_S, self._listen)
            return
        if len(self.connections) >= self._places:
            oldest = next((one for one in self.connections if one.may_give_way), None)
            if oldest is None:
                accepted.close()
                return
            oldest.end()
        self._connections.append(self._accepted(accepted))

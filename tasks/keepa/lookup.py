"""Looking up a server's name without becoming deaf: the system's resolver hears no stop, and may take half a minute.

So a thread asks it, and the one who waits looks up now and then. A thread that is left behind ends with the process.
"""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Final

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NameResolutionError

if TYPE_CHECKING:
    from collections.abc import Callable

LOOK_S: Final = 0.05  # how late a stop is heard


def look_up(host: str, port: int | None, is_stopped: Callable[[], bool]) -> None:
    """Return when the system knows the name; what it answers, it answers again when it is connected to.

    Raises:
        OSError: it does not, or the stop came first.
    """
    outcome: list[OSError | None] = []
    is_over = threading.Event()

    def ask() -> None:
        try:
            socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            outcome.append(None)
        except (OSError, UnicodeError) as error:
            outcome.append(error if isinstance(error, OSError) else OSError(str(error)))
        is_over.set()

    threading.Thread(target=ask, name="lookup", daemon=True).start()
    while not is_over.wait(LOOK_S):
        if is_stopped():
            raise OSError("asked to stop while the server's name was looked up")
    if outcome[0] is not None:
        raise outcome[0]


def session(is_stopped: Callable[[], bool]) -> requests.Session:
    """HTTP connections that look their server's name up as above, before anything is sent."""
    made = requests.Session()
    for scheme in ("http://", "https://"):
        made.mount(scheme, _Adapter(is_stopped))
    return made


class _Adapter(HTTPAdapter):
    def __init__(self, is_stopped: Callable[[], bool]) -> None:
        super().__init__()

        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                _looked_up(self, is_stopped)
                return super()._new_conn()

        class Secure(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                _looked_up(self, is_stopped)
                return super()._new_conn()

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}


def _looked_up(connection: HTTPConnection, is_stopped: Callable[[], bool]) -> None:
    try:
        look_up(connection.host, connection.port, is_stopped)
    except OSError as error:
        reason = error if isinstance(error, socket.gaierror) else socket.gaierror(str(error))
        raise NameResolutionError(connection.host, connection, reason) from error

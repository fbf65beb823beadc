"""Connecting to a server without becoming deaf: the system's resolver hears no stop, and may take half a minute.

So a thread asks it, and the one who waits looks up now and then. A thread that is left behind ends with the process.
What it answers is what is connected to: asked once more, it might take its time again. All addresses of a name share
one limit.
"""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from urllib3.poolmanager import ProxyManager

    from tasks.keepa.deadline import Deadline

LOOK_S: Final = 0.05  # how late a stop is heard
_LEAST_S: Final = 0.01  # what is left for a last address; none at all would mean not to wait


class Address(NamedTuple):
    """Where to connect to, as the system's resolver tells it."""

    family: int
    kind: int
    proto: int
    name: str
    place: Any  # a tuple that depends on the family; only the system looks into it


class Ways(NamedTuple):
    """How connections are made: when to give up, and what shuts them when the call's time is over."""

    is_stopped: Callable[[], bool]
    connect_s: float
    deadline: Deadline


def look_up(host: str, port: int | None, is_stopped: Callable[[], bool], within_s: float) -> list[Address]:
    """The addresses that the system knows of the name.

    Raises:
        OSError: it knows none, or says nothing for `within_s` seconds, or the stop came first.
    """
    outcome: list[list[Address] | OSError] = []
    is_over = threading.Event()
    ends = time.monotonic() + within_s

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            outcome.append([Address(*one) for one in found])
        except (OSError, UnicodeError) as error:
            outcome.append(error if isinstance(error, OSError) else OSError(str(error)))
        is_over.set()

    threading.Thread(target=ask, name="lookup", daemon=True).start()
    while not is_over.wait(LOOK_S):
        if is_stopped():
            raise OSError("asked to stop while the server's name was looked up")
        if time.monotonic() > ends:
            raise OSError(f"the server's name was not looked up within {within_s:.0f} s")
    if isinstance(outcome[0], OSError):
        raise outcome[0]
    return outcome[0]


def dial(addresses: list[Address], within_s: float, options: object) -> socket.socket:
    """A connection to the first of the addresses that answers; each may take its part of the time.

    Raises:
        OSError: none does.
    """
    ends = time.monotonic() + within_s
    last = OSError("the name has no address")
    for number, address in enumerate(addresses):
        part_s = max(_LEAST_S, (ends - time.monotonic()) / (len(addresses) - number))
        made = socket.socket(address.family, address.kind, address.proto)
        try:
            for option in options if isinstance(options, list | tuple) else ():
                made.setsockopt(*option)
            made.settimeout(part_s)
            made.connect(address.place)
        except OSError as error:
            made.close()
            last = error
        else:
            return made
    raise last


def session(ways: Ways) -> requests.Session:
    """HTTP connections that are made in these ways."""
    made = _Session()
    for scheme in ("http://", "https://"):
        made.mount(scheme, _Adapter(ways))
    return made


class _Session(requests.Session):
    def get_redirect_target(self, _response: requests.Response) -> None:
        """Nowhere: to find out what a redirect that is not followed asks for, its body would be unpacked unmeasured."""


class _Adapter(HTTPAdapter):
    def __init__(self, ways: Ways) -> None:
        super().__init__()

        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return _connected(self, ways)

            def putrequest(self, *given: Any, **more: Any) -> None:  # noqa: ANN401 - as the base class has it
                _watched(self, ways)
                super().putrequest(*given, **more)

        class Secure(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return _connected(self, ways)

            def putrequest(self, *given: Any, **more: Any) -> None:  # noqa: ANN401 - as the base class has it
                _watched(self, ways)
                super().putrequest(*given, **more)

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        self._pools = {"http": PlainPool, "https": SecurePool}
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **more: Any) -> ProxyManager:  # noqa: ANN401 - as the base class has it
        """Connections through a proxy, made in the same ways."""
        manager: ProxyManager = super().proxy_manager_for(proxy, **more)
        manager.pool_classes_by_scheme = self._pools
        return manager


def _watched(connection: HTTPConnection, ways: Ways) -> None:
    """A connection that is kept from an earlier call is shut with this one's deadline."""
    if connection.sock is not None:
        ways.deadline.watch(connection.sock)


def _connected(connection: HTTPConnection, ways: Ways) -> socket.socket:
    ends = time.monotonic() + min(ways.connect_s, ways.deadline.left_s())
    host = connection._dns_host  # noqa: SLF001 - what the base class looks up
    try:
        addresses = look_up(host, connection.port, ways.is_stopped, max(0.0, ends - time.monotonic()))
    except OSError as error:
        reason = error if isinstance(error, socket.gaierror) else socket.gaierror(str(error))
        raise NameResolutionError(connection.host, connection, reason) from error
    try:
        made = dial(addresses, max(0.0, ends - time.monotonic()), connection.socket_options)
    except TimeoutError as error:
        raise ConnectTimeoutError(connection, f"no connection within {ways.connect_s:g} s") from error
    except OSError as error:
        raise NewConnectionError(connection, f"no connection: {error}") from error
    ways.deadline.watch(made)
    return made

"""Connects to a server so that a stop is noticed, although nothing interrupts the system's look-up of a name.

It may take half a minute. So a thread does it, and the caller looks for a stop while it waits. A thread that is
left behind ends with the process. The connection is made to the addresses found: asked once more, the resolver might
take its time again. All addresses of a name share one time limit.
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

LOOK_S: Final = 0.05  # seconds between two looks for a stop
_MIN_S: Final = 0.01  # for a last address when the time is over: 0 would mean not to wait at all


class Address(NamedTuple):
    """An address to connect to, as the system's resolver returns it."""

    family: int
    kind: int
    proto: int
    name: str
    place: Any  # a tuple that depends on the family; only the system looks into it


class ConnectPolicy(NamedTuple):
    """How connections are made: when to give up, and the deadline of the call, which shuts them."""

    is_stopped: Callable[[], bool]
    connect_s: float
    deadline: Deadline


def look_up(
    host: str,
    port: int | None,
    is_stopped: Callable[[], bool],
    within_s: float,
    resolve: Callable[..., list[Any]] | None = None,
) -> list[Address]:
    """Look up the addresses of a name, with the system's resolver unless another one is given.

    Raises:
        OSError: there is none, or no answer within `within_s` seconds, or the stop came first.
    """
    outcome: list[list[Address] | OSError] = []
    is_over = threading.Event()
    ends = time.monotonic() + within_s

    def ask() -> None:
        try:
            found = (resolve or socket.getaddrinfo)(host, port, type=socket.SOCK_STREAM)
            outcome.append([Address(*one) for one in found])
        except (OSError, UnicodeError) as error:
            outcome.append(error if isinstance(error, OSError) else OSError(str(error)))
        is_over.set()

    threading.Thread(target=ask, name="lookup", daemon=True).start()
    while not is_over.wait(LOOK_S):
        if is_stopped():
            raise OSError("stopped while the server's name was looked up")
        if time.monotonic() > ends:
            raise OSError(f"the server's name was not looked up within {within_s:.0f} s")
    if isinstance(outcome[0], OSError):
        raise outcome[0]
    return outcome[0]


def dial(addresses: list[Address], within_s: float, options: object) -> socket.socket:
    """Connect to the first of the addresses that answers; each gets its part of the time.

    Raises:
        OSError: none answers.
    """
    ends = time.monotonic() + within_s
    last = OSError("the name has no address")
    for number, address in enumerate(addresses):
        part_s = max(_MIN_S, (ends - time.monotonic()) / (len(addresses) - number))
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


def session(policy: ConnectPolicy) -> requests.Session:
    """Make a session whose connections follow `policy`."""
    made = _Session()
    for scheme in ("http://", "https://"):
        made.mount(scheme, _Adapter(policy))
    return made


class _Session(requests.Session):
    def get_redirect_target(self, _response: requests.Response) -> None:
        """Return nothing: to see where a redirect leads, the library would unpack its body without a limit."""


class _Adapter(HTTPAdapter):
    def __init__(self, policy: ConnectPolicy) -> None:
        super().__init__()

        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return _connected(self, policy)

            def putrequest(self, *given: Any, **more: Any) -> None:  # noqa: ANN401 - as the base class has it
                _watched(self, policy)
                super().putrequest(*given, **more)

        class Secure(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return _connected(self, policy)

            def putrequest(self, *given: Any, **more: Any) -> None:  # noqa: ANN401 - as the base class has it
                _watched(self, policy)
                super().putrequest(*given, **more)

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        self._pools = {"http": PlainPool, "https": SecurePool}
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **more: Any) -> ProxyManager:  # noqa: ANN401 - as the base class has it
        """Make connections through a proxy by the same policy."""
        manager: ProxyManager = super().proxy_manager_for(proxy, **more)
        manager.pool_classes_by_scheme = self._pools
        return manager


def _watched(connection: HTTPConnection, policy: ConnectPolicy) -> None:
    """Have the deadline of this call shut a connection that is kept from an earlier one."""
    if connection.sock is not None:
        policy.deadline.watch(connection.sock)


def _connected(connection: HTTPConnection, policy: ConnectPolicy) -> socket.socket:
    ends = time.monotonic() + min(policy.connect_s, policy.deadline.left_s())
    host = connection._dns_host  # noqa: SLF001 - what the base class looks up
    try:
        addresses = look_up(host, connection.port, policy.is_stopped, max(0.0, ends - time.monotonic()))
    except OSError as error:
        reason = error if isinstance(error, socket.gaierror) else socket.gaierror(str(error))
        raise NameResolutionError(connection.host, connection, reason) from error
    try:
        made = dial(addresses, max(0.0, ends - time.monotonic()), connection.socket_options)
    except TimeoutError as error:
        raise ConnectTimeoutError(connection, f"no connection within {policy.connect_s:g} s") from error
    except OSError as error:
        raise NewConnectionError(connection, f"no connection: {error}") from error
    policy.deadline.watch(made)
    return made

"""Finds a supervisor whose state directory was moved or deleted: it runs, but its lock is where nobody looks.

Only its HTTP port can tell then. Without METRICS_PORT, or with a port that the system chose, it is not found.
"""

from __future__ import annotations

import http.client
from http import HTTPStatus
from pathlib import Path
from typing import Final

import msgspec

from supervisor.config.host_names import HOST, reached_at

_TIMEOUT_S: Final = 1.0
_LONGEST: Final = 4 << 20  # bytes; a status has some ten thousand
WORDS: Final = "running without its state directory"


class _Supervisor(msgspec.Struct):
    pid: int
    state_dir: str


class _Status(msgspec.Struct):
    supervisor: _Supervisor


def find(root: Path, port: int | None, listens_on: str = HOST) -> int | None:
    """The pid of the supervisor that answers at `port` and was started with the state directory `root`.

    Call it when nobody holds the lock of `root`.
    """
    if not port:
        return None
    connection = http.client.HTTPConnection(reached_at(listens_on), port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/status.json")
        reply = connection.getresponse()
        body = reply.read(_LONGEST)
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    if reply.status != HTTPStatus.OK:
        return None
    try:
        found = msgspec.json.decode(body, type=_Status).supervisor
    except msgspec.DecodeError:
        return None
    return found.pid if Path(found.state_dir) == root else None


def remedy(root: Path, pid: int) -> str:
    """A sentence that says what happened and what to do."""
    return f"{root} was moved or deleted under its supervisor, pid {pid}: put it back, or stop that one and start again"

"""A supervisor whose state directory was moved or deleted under it: it runs, and its lock is where nobody looks.

Only its port can tell then, so without METRICS_PORT, or with one that the system chose, it is not found.
"""

from __future__ import annotations

import http.client
from http import HTTPStatus
from pathlib import Path
from typing import Final

import msgspec

from supervisor.config.host_names import HOST

_PATIENCE_S: Final = 1.0
_LONGEST: Final = 4 << 20  # bytes; a status has some ten thousand
WORDS: Final = "running without its state directory"


class _Supervisor(msgspec.Struct):
    pid: int
    state_dir: str


class _Told(msgspec.Struct):
    supervisor: _Supervisor


def find(root: Path, port: int | None) -> int | None:
    """The pid of the supervisor that answers at `port` and was started with the state directory `root`.

    To be asked when nobody holds the lock of `root`.
    """
    if not port:
        return None
    connection = http.client.HTTPConnection(HOST, port, timeout=_PATIENCE_S)
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
        told = msgspec.json.decode(body, type=_Told).supervisor
    except msgspec.DecodeError:
        return None
    return told.pid if Path(told.state_dir) == root else None


def remedy(root: Path, pid: int) -> str:
    """What happened, and what to do about it."""
    return f"{root} was moved or deleted under the supervisor, pid {pid}: put it back, or end that and start anew"

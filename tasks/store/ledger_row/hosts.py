"""The hosts that share the ledgers: who takes part, who beats, who has left. The times are the database's."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from psycopg.types.json import Jsonb

from ledger.process import boot_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from tasks.store.connection import Connection

BEAT_S: Final = 5.0

_JOIN: Final = """
INSERT INTO hosts AS h (id, name, version, joined_at, beat_at, workers)
VALUES (%s, %s, %s, clock_timestamp(), clock_timestamp(), '[]')
ON CONFLICT (id) DO UPDATE SET name = excluded.name, version = excluded.version, joined_at = excluded.joined_at,
    beat_at = excluded.beat_at, left_at = NULL, workers = excluded.workers
RETURNING host
"""
_BEAT: Final = """
UPDATE hosts SET beat_at = clock_timestamp(), left_at = NULL, workers = %s WHERE host = %s
"""
_LEAVE: Final = "UPDATE hosts SET left_at = clock_timestamp(), workers = '[]' WHERE host = %s"
_LIST: Final = """
SELECT host, name, version, joined_at, left_at, extract(epoch FROM clock_timestamp() - beat_at)::float8, workers
FROM hosts ORDER BY name, host
"""
_FORGET: Final = """
DELETE FROM hosts WHERE beat_at < clock_timestamp() - interval '30 days' AND host <> %s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A host that takes part, or did; `silent_s` is how long it has not said that it is alive."""

    number: int
    name: str
    version: str
    joined_at: datetime
    left_at: datetime | None
    silent_s: float
    workers: Sequence[Mapping[str, object]]

    def is_alive(self, ttl_s: float) -> bool:
        """Whether it takes part and beats."""
        return self.left_at is None and self.silent_s <= ttl_s


def identity(state_dir_id: str) -> str:
    """What tells where a pid means one process: the state directory, the boot of the machine, the PID namespace."""
    namespace = os.stat("/proc/self/ns/pid").st_ino  # noqa: PTH116 - a name that leads to no file
    return f"{state_dir_id} {boot_id().hex()[:8]} {namespace}"


def join(conn: Connection, host_id: str, name: str, version: str) -> int:
    """The number of this host, which takes part from now on."""
    row = conn.execute(_JOIN, (host_id, name, version)).fetchone()
    number = int(row[0]) if row is not None else 0
    conn.execute(_FORGET, (number,))
    return number


def beat(conn: Connection, number: int, workers: Sequence[Mapping[str, object]]) -> None:
    """Say that this host is alive, and what its workers do."""
    conn.execute(_BEAT, (Jsonb(list(workers)), number))


def leave(conn: Connection, number: int) -> None:
    """Say that this host takes part no more."""
    conn.execute(_LEAVE, (number,))


def hosts(conn: Connection) -> list[Host]:
    """All hosts that are known, by name."""
    return [
        Host(
            number=number, name=name, version=version, joined_at=joined_at, left_at=left_at, silent_s=silent_s,
            workers=workers,
        )
        for number, name, version, joined_at, left_at, silent_s, workers in conn.execute(_LIST).fetchall()
    ]  # fmt: skip

"""The hosts that write to this database: who takes part, who beats, who has left. The times are the database's.

A host takes part until it leaves, or until another one has noted that it beats no more (`beat_watch`). How old its last
beat is tells nothing of that: the clock of the database may be set.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from psycopg.types.json import Jsonb

from ledger.process import boot_name, is_alive, this_process
from ledger.storage.packed import FORMAT
from tasks.store.ledger_row.statements import TTL_S, signed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from tasks.store.connection import Connection

BEAT_S: Final = 5.0
_LOCK: Final = 0x5C1A_6A7F  # any number nobody else uses as an advisory lock; who joins is alone while it does
_LOCK_IT: Final = "SELECT pg_advisory_xact_lock(%s)"

# A state directory has one run at a time, so what stands there of another boot or namespace is a past one of its own;
# or one of the two is a copy, which is seen when both beat (`host_watch`).
_RIVALS: Final = """
SELECT host FROM hosts
WHERE left_at IS NULL AND dead_beat IS DISTINCT FROM beat_at AND accounts && %(accounts)s::bigint[]
  AND 'file' IN (ledger, %(ledger)s) AND split_part(id, ' ', 1) <> split_part(%(id)s, ' ', 1)
"""
_NAMESAKE: Final = "SELECT host, supervisor FROM hosts WHERE id = %s AND left_at IS NULL AND supervisor IS NOT NULL"
_JOIN: Final = """
INSERT INTO hosts AS h (id, name, version, joined_at, beat_at, workers, ledger, accounts, migration, ledger_format,
    ledger_format_at, supervisor)
VALUES (%(id)s, %(name)s, %(version)s, clock_timestamp(), clock_timestamp(), '[]', %(ledger)s, %(accounts)s,
    %(migration)s, %(ledger_format)s, clock_timestamp(), nullif(%(supervisor)s, ''))
ON CONFLICT (id) DO UPDATE SET name = excluded.name, version = excluded.version, joined_at = excluded.joined_at,
    beat_at = excluded.beat_at, left_at = NULL, workers = excluded.workers, ledger = excluded.ledger,
    accounts = excluded.accounts, migration = excluded.migration, drain_at = NULL,
    ledger_format = excluded.ledger_format, ledger_format_at = excluded.ledger_format_at,
    supervisor = excluded.supervisor, dead_beat = NULL
RETURNING host
"""
_FIND: Final = "SELECT host FROM hosts WHERE id = %s AND left_at IS NULL"
_LAST_BEAT: Final = "SELECT beat_at FROM hosts WHERE host = %s AND id = %s FOR UPDATE"
# After a silence in which the others may have taken its part it takes part anew, as after a start: which of two copies
# came later is told by that.
_BEAT: Final = """
UPDATE hosts AS h SET beat_at = t.now, left_at = NULL, workers = %(workers)s,
    joined_at = CASE WHEN t.now > beat_at + t.ttl THEN t.now ELSE joined_at END,
    ledger_format_at = CASE WHEN t.now > beat_at + t.ttl AND ledger_format_at >= joined_at THEN t.now
        ELSE ledger_format_at END
FROM (SELECT clock_timestamp() AS now, make_interval(secs => %(ttl_s)s) AS ttl) AS t
WHERE host = %(host)s RETURNING beat_at
"""
_ENTER_AGAIN: Final = """
INSERT INTO hosts (host, id, name, version, joined_at, beat_at, workers, ledger, accounts, migration, ledger_format,
    ledger_format_at, supervisor)
OVERRIDING SYSTEM VALUE
VALUES (%(host)s, %(id)s, %(name)s, %(version)s, clock_timestamp(), clock_timestamp(), '[]', %(ledger)s, %(accounts)s,
    %(migration)s, %(ledger_format)s, clock_timestamp(), nullif(%(supervisor)s, ''))
ON CONFLICT DO NOTHING
"""
_DRAIN: Final = """
UPDATE hosts SET drain_at = coalesce(drain_at, clock_timestamp()) WHERE host = %s AND id = coalesce(%s, id)
"""
_LEAVE: Final = "UPDATE hosts SET left_at = clock_timestamp(), workers = '[]' WHERE host = %s AND id = coalesce(%s, id)"
_NOTE_DEAD: Final = """
UPDATE hosts SET dead_beat = beat_at WHERE host = %s AND beat_at = %s AND dead_beat IS DISTINCT FROM beat_at
"""
# A beat in the future was before the clock was set back.
_LIST: Final = """
SELECT host, id, name, version, joined_at, beat_at, left_at,
    greatest(extract(epoch FROM clock_timestamp() - beat_at)::float8, 0) AS silent_s, workers, ledger, drain_at,
    coalesce(dead_beat = beat_at, false) AS is_dead
FROM hosts ORDER BY name, host
"""
_FORGET: Final = """
DELETE FROM hosts
WHERE (left_at IS NOT NULL OR dead_beat = beat_at) AND beat_at < clock_timestamp() - interval '30 days' AND host <> %s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A host that takes part, or did.

    Attributes:
        silent_s: how long it has not said that it is alive, as far as the database's clock tells, which may be set.
        ledger: where its ledger is, `file` or `database`; None when its build did not tell.
        drain_at: since when it is to begin no more calls; None while it may.
        is_dead: whether it was noted that it beats no more.
    """

    number: int
    id: str
    name: str
    version: str
    joined_at: datetime
    beat_at: datetime
    left_at: datetime | None
    silent_s: float
    workers: Sequence[Mapping[str, object]]
    ledger: str | None = None
    drain_at: datetime | None = None
    is_dead: bool = False

    @property
    def is_alive(self) -> bool:
        """Whether it takes part, and nobody has noted that it beats no more."""
        return self.left_at is None and not self.is_dead

    @property
    def state(self) -> str:
        """`alive`, `draining`, `silent` or `left`."""
        if self.left_at is not None:
            return "left"
        if not self.is_alive:
            return "silent"
        return "alive" if self.drain_at is None else "draining"

    @property
    def state_dir(self) -> str:
        """What its state directory is called among all."""
        return self.id.partition(" ")[0]

    @property
    def life(self) -> str:
        """It from one boot to the next, as the names of its workers have it (`ledger.types.ProcessId`)."""
        state_dir, _, boot = self.id.partition(" ")
        return f"{state_dir.partition('-')[0]}-{boot}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """A host that wants to take part.

    Attributes:
        accounts: the accounts it would spend from, each of 64 bits.
        migration: the number of the newest migration that its build knows.
        ledger_format: the newest format of a book that its build reads.
        supervisor: which process would beat for it, as `this_supervisor` says it; empty where that is not told.
    """

    id: str
    name: str
    version: str
    ledger: Literal["file", "database"] = "database"
    accounts: Sequence[int] = ()
    migration: int = 0
    ledger_format: int = FORMAT
    supervisor: str = ""


def identity(state_dir_id: str) -> str:
    """What tells where a pid means one process: the state directory, the boot of the machine, the PID namespace."""
    return f"{state_dir_id} {boot_name()}"


def this_supervisor() -> str:
    """The calling process: its pid and its time of start, as this machine counts."""
    me = this_process()
    return f"{me.pid}-{me.started}"


def join(conn: Connection, new: Newcomer) -> int | list[Host]:
    """The number of this host, which takes part from now on; or the hosts that it must not work beside.

    Two hosts that spend from one account have to share one ledger, and each needs a state directory of its own. Hosts
    whose builds did not tell are not compared.
    """
    given = _given(new)
    with conn.transaction():
        conn.execute(_LOCK_IT, (_LOCK,))
        if found := rivals(conn, new):
            return found
        row = conn.execute(_JOIN, given).fetchone()
        number = int(row[0]) if row is not None else 0
        conn.execute(_FORGET, (number,))
    return number


def rivals(conn: Connection, new: Newcomer) -> list[Host]:
    """The hosts that take part and that this one must not work beside."""
    numbers = {row[0] for row in conn.execute(_RIVALS, _given(new)).fetchall()} | {_namesake(conn, new)}
    return [one for one in hosts(conn) if one.number in numbers]


def _namesake(conn: Connection, new: Newcomer) -> int | None:
    """The number of a host with this identity for which another process of this machine beats now."""
    row = conn.execute(_NAMESAKE, (new.id,)).fetchone()
    if row is None or not new.supervisor or row[1] == new.supervisor:
        return None
    pid, _, started = row[1].partition("-")
    return int(row[0]) if is_alive(int(pid), int(started)) else None


def note_dead(conn: Connection, host: Host) -> None:
    """Note that this host beats no more; nothing if it has beaten since it was read."""
    conn.execute(_NOTE_DEAD, (host.number, host.beat_at))


def _given(new: Newcomer) -> dict[str, object]:
    return {
        "id": new.id, "name": new.name, "version": new.version, "ledger": new.ledger, "migration": new.migration,
        "accounts": [signed(one) for one in new.accounts], "ledger_format": new.ledger_format,
        "supervisor": new.supervisor,
    }  # fmt: skip


def find(conn: Connection, host_id: str) -> int | None:
    """The number of the host that takes part under this identity; None when none does."""
    row = conn.execute(_FIND, (host_id,)).fetchone()
    return None if row is None else int(row[0])


def last_beat(conn: Connection, number: int, host_id: str) -> datetime | None:
    """The last beat of this host, which nobody changes until the transaction ends; None when it is not there.

    That is when no host has this number, and this identity.
    """
    row = conn.execute(_LAST_BEAT, (number, host_id)).fetchone()
    return None if row is None else row[0]


def beat(conn: Connection, number: int, workers: Sequence[Mapping[str, object]]) -> datetime | None:
    """Say that this host is alive, and what its workers do; when that was, or None when no host has this number."""
    row = conn.execute(_BEAT, {"host": number, "workers": Jsonb(list(workers)), "ttl_s": TTL_S}).fetchone()
    return None if row is None else row[0]


def enter_again(conn: Connection, number: int, me: Newcomer) -> bool:
    """Take part under the number that this host had; False when that, or its identity, stands for another one by now.

    Its entry is gone when an older back-up of the database was restored, or when the clock there was far ahead for a
    while: whoever joined then forgot all that had been silent for long.
    """
    return conn.execute(_ENTER_AGAIN, {**_given(me), "host": number}).rowcount == 1


def drain(conn: Connection, number: int, host_id: str | None = None) -> None:
    """Ask the host of that number, and of this identity, to finish its calls, begin no more and leave.

    It reads that with its next look at the others.
    """
    conn.execute(_DRAIN, (number, host_id))


def leave(conn: Connection, number: int, host_id: str | None = None) -> None:
    """Say that the host of that number, and of this identity, takes part no more."""
    conn.execute(_LEAVE, (number, host_id))


def hosts(conn: Connection) -> list[Host]:
    """All hosts that are known, by name."""
    return [
        Host(
            number=number, id=host_id, name=name, version=version, joined_at=joined_at, beat_at=beat_at,
            left_at=left_at, silent_s=silent_s, workers=workers, ledger=ledger, drain_at=drain_at, is_dead=is_dead,
        )
        for number, host_id, name, version, joined_at, beat_at, left_at, silent_s, workers, ledger, drain_at, is_dead
        in conn.execute(_LIST).fetchall()
    ]  # fmt: skip

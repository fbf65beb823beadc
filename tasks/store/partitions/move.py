"""Moves a living database to tables in parts, in steps of their own transaction, and goes on where it was broken off.

1. The tables in parts are made, and from then on whatever is written is written to both.
2. The rows that are there are copied, a range of keys at a time.
3. Each row is compared with its copy.
4. The tables in parts take the names of the others, which are dropped.

How far it has come stands in the database beside the rows, so two who do it at once take turns.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeVar

import psycopg
from psycopg import sql

from ledger import NS_PER_S
from tasks.errors import DatabaseTransient, Error, StoreError
from tasks.store.duties import state
from tasks.store.partitions import copying, layout, mirror, swap, tables
from tasks.store.sqlstate import translated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ledger import Clock
    from tasks.store.connection import Connection

T = TypeVar("T")
Phase = Literal["copy", "compare", "swap", "done"]

_NAME: Final = "partition"
# Any number nobody else uses as an advisory lock; it is that of the transaction.
_LOCK: Final = 0x5C1E_6A7E
_LOCK_IT: Final = "SELECT pg_advisory_xact_lock(%s)"
# A writer is never refused for our sake: we give way long before the server looks for a circle (`deadlock_timeout`,
# 1 s unless somebody changed it), and while we wait for a whole table, others wait behind us.
_ROW_WAIT_MS: Final = 300
_TABLE_WAIT_MS: Final = 2_000
# What the server says when somebody's GRANT ended while we waited for it.
_OVERTAKEN: Final = "tuple concurrently "
_PAUSE_S: Final = 0.5
_TRIES: Final = 120  # with their pauses some minutes: what takes longer is a back-up, or a transaction left open
_FIRST_ROWS: Final = 100
_MOST_ROWS: Final = 5_000
_LEAST_ROWS: Final = 10
_STEP_S: Final = 0.3


class Progress(NamedTuple):
    """How far it has come.

    Attributes:
        phase: what is being done.
        table: of which table.
        rows: how many rows of it were copied, or compared.
    """

    phase: Phase
    table: str
    rows: int


@dataclass(slots=True)
class Move:
    """One who moves the tables.

    Attributes:
        conn: outside of any transaction.
        clock: for the length of a step.
        parts: how many parts each table gets.
        stop: ends a wait for others when it is set.
        rows_at_once: of how many rows each step is; None for as many as take a third of a second.
    """

    conn: Connection
    clock: Clock
    parts: int = tables.PARTS
    stop: Event = field(default_factory=Event)
    rows_at_once: int | None = None

    def run(self, on_step: Callable[[Progress], None]) -> bool:
        """Move them, or do what is left of it; False when the tables were in parts before.

        Raises:
            ConfigError: something hangs on the tables that would not go along; the message says what.
            DatabaseTransient: others have the tables in hand for minutes; the next call goes on.
            StoreError: a row and its copy differ, so nothing takes the place of anything.
        """
        conn = self.conn
        with conn.transaction():
            if layout.are_parted(conn):
                return False
            is_begun = begun(conn) is not None
        if not is_begun:
            self.rehearse()
        self._patiently(lambda: _begin(conn, self.parts), _TABLE_WAIT_MS)
        rows = self.rows_at_once or _FIRST_ROWS
        phase: Phase = "copy"
        while phase != "swap":
            began_ns = self.clock.now_ns()
            progress = self._patiently(lambda rows=rows: _step(conn, rows), _ROW_WAIT_MS)  # type: ignore[misc]
            took_s = max((self.clock.now_ns() - began_ns) / NS_PER_S, 0.001)
            rows = self.rows_at_once or max(_LEAST_ROWS, min(_MOST_ROWS, rows * 2, round(rows * _STEP_S / took_s)))
            phase = progress.phase
            on_step(progress)
        self._patiently(lambda: _swap(conn), _TABLE_WAIT_MS)
        with conn.transaction():
            for table in tables.KEYS:  # of each as a whole: the server does it for the parts alone by itself
                conn.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))
        return True

    def rehearse(self) -> None:
        """Return if nothing keeps the tables from being replaced: it is done with a row of each, and taken back.

        Raises:
            ConfigError: something does.
            DatabaseTransient: others have the tables in hand for minutes.
        """
        self._patiently(lambda: _rehearse(self.conn, self.parts), _TABLE_WAIT_MS)

    def abandon(self) -> bool:
        """Take back what was done so far, and keep the tables as they are; False when nothing was begun.

        Raises:
            DatabaseTransient: others have the tables in hand for minutes.
        """
        return self._patiently(lambda: _abandon(self.conn), _TABLE_WAIT_MS)

    def _patiently(self, work: Callable[[], T], wait_ms: int) -> T:
        """What the work gives, tried again while others have in hand what it needs.

        Raises:
            DatabaseTransient: they have it for minutes.
        """
        self.conn.lock_timeout_ms = wait_ms
        refused: Error | None = None
        for _ in range(_TRIES):
            try:
                return work()
            except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
                refused = translated(error)
            except psycopg.errors.InternalError_ as error:
                if _OVERTAKEN not in str(error):
                    raise
                refused = translated(error)
            if self.stop.wait(_PAUSE_S):
                break
        raise DatabaseTransient(
            "others have had the tables in hand for minutes, such as a back-up or a transaction that was left open "
            f"(pg_stat_activity tells), so it did not go on; what is done stays, run it again. {refused}"
        )


def begun(conn: Connection) -> int | None:
    """In how many parts the tables are being moved now; None when they are not."""
    known = state.load(conn, _NAME)
    return int(known["parts"]) if known else None


@contextmanager
def _turn(conn: Connection) -> Iterator[dict[str, Any]]:
    """A transaction in which nobody else moves anything; how far it has come, empty when nothing was begun."""
    with conn.transaction():
        conn.execute(_LOCK_IT, (_LOCK,))
        yield state.load(conn, _NAME)


def _rehearse(conn: Connection, parts: int) -> None:
    with conn.transaction(force_rollback=True):
        conn.execute(_LOCK_IT, (_LOCK,))
        if state.load(conn, _NAME) or layout.are_parted(conn):
            return  # another one has begun meanwhile, so it has rehearsed
        _make(conn, parts)
        for table in tables.KEYS:
            copying.rehearse(conn, table)
        swap.swap(conn)


def _abandon(conn: Connection) -> bool:
    with _turn(conn) as known:
        if known:
            _take_back(conn)
        return bool(known)


def _begin(conn: Connection, parts: int) -> None:
    """Make the tables in parts, unless they are there; anew when a migration has changed the others since."""
    with _turn(conn) as known:
        if known and known["parts"] == parts and layout.are_alike(conn):
            layout.refuse_obstacles(conn, mirror.TRIGGERS)  # what came after the rehearsal is told before the rest
            return
        if known:
            _take_back(conn)
        elif layout.are_parted(conn):
            return  # another one has done all of it meanwhile
        _make(conn, parts)
        table, key = next(iter(tables.KEYS.items()))
        after = [copying.BEGINNING[name] for name in key]
        state.save(conn, _NAME, {"parts": parts, "phase": "copy", "table": table, "after": after, "rows": 0})


def _make(conn: Connection, parts: int) -> None:
    layout.refuse_obstacles(conn, mirror.TRIGGERS)
    for table in tables.KEYS:
        layout.create(conn, table, parts)
    mirror.lock(conn)  # not before: nobody need wait for the tables that are being made
    mirror.begin(conn)


def _take_back(conn: Connection) -> None:
    mirror.lock(conn)
    mirror.end(conn)
    layout.drop(conn)
    state.forget(conn, _NAME)


def _step(conn: Connection, rows: int) -> Progress:
    """Copy or compare the next rows."""
    with _turn(conn) as known:
        if not known:
            if layout.are_parted(conn):
                return Progress("swap", "", 0)
            raise StoreError("what was copied into the tables in partitions was taken back meanwhile: begin again")
        phase, table = known["phase"], known["table"]
        if phase == "swap":
            return Progress("swap", "", 0)
        if not layout.are_alike(conn):
            raise StoreError(layout.CHANGED)
        work = copying.copy if phase == "copy" else copying.compare
        found = work(conn, table, known["after"], rows)
        if found.wrong:
            raise StoreError(
                f"{found.wrong} rows of {table} differ from their copies, which no writer can have caused: "
                "take the copy back with --abandon, look for triggers or replication that write there, and begin again"
            )
        done = known["rows"] + found.rows
        after = {"after": found.last, "rows": done} if found.last is not None else _next(phase, table)
        state.save(conn, _NAME, known | after)
        return Progress(phase if found.last is not None else after["phase"], table, done)


def _next(phase: str, table: str) -> dict[str, Any]:
    """Where it goes on when a table is through: with the next one, or the first one in the next phase."""
    names = list(tables.KEYS)
    at = names.index(table) + 1
    if at < len(names):
        following, then = names[at], phase
    else:
        following, then = names[0], "compare" if phase == "copy" else "swap"
    after = [copying.BEGINNING[name] for name in tables.KEYS[following]]
    return {"phase": then, "table": following, "after": after, "rows": 0}


def _swap(conn: Connection) -> None:
    with _turn(conn) as known:
        if known:
            swap.swap(conn)
            state.forget(conn, _NAME)

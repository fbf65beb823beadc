"""Does the steps of the duties in the background, one at a time, each in a short transaction of its own.

A step is broken off when it takes long, and waits for nobody's lock longer than a writer would notice. After each one
its duty pauses, so that it takes no more than its share of the time. Of several supervisors with one database, one at a
time does the steps: that is a turn in a row of the database.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from ledger import NS_PER_S
from ledger.process import this_process
from tasks.errors import DatabaseTransient, Error
from tasks.store import turns
from tasks.store.connection import connect
from tasks.store.duties import gone
from tasks.store.duties.duty import NOTHING, Duty, Step
from tasks.store.sqlstate import cause_of, translate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ledger import Clock
    from tasks.secret import Secret
    from tasks.store.connection import Connection

APPLICATION: Final = "sluicegate maintenance"
TURN: Final = "maintenance"
SHORTEST_PAUSE_S: Final = 0.2
ANOTHERS_S: Final = 60.0  # until the next look whether another supervisor still does the steps
BUSY_S: Final = 60.0  # after a step that a lock or a time limit ended
REFUSED_S: Final = 3_600.0  # after a step that the database refuses
_KEPT_S: Final = 10.0  # a connection that is not needed sooner is closed
_LOCK_WAIT_MS: Final = 500
_STEP_MS: Final = 5_000
_LIMIT: Final = f"SET LOCAL statement_timeout = {_STEP_MS}"
_ONE_SNAPSHOT: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
_SILENCE_S: Final = 2 * _STEP_MS / 1000  # then the server itself is not there


class Done(NamedTuple):
    """What became of one call of `step`.

    Attributes:
        pause_s: seconds until the next one is wanted.
        duty: the duty that was asked; None when none was due, or another supervisor does the steps.
        gone: rows that it deleted, by table.
        told: deleted rows to report now, by table.
        error: what kept the duty from its step.
    """

    pause_s: float
    duty: str | None = None
    gone: Mapping[str, int] = NOTHING
    told: Mapping[str, int] = NOTHING
    error: Error | None = None


class MaintenanceRunner:
    """The duties of one process. Used by one thread, `cut` apart."""

    def __init__(self, url: Secret, clock: Clock, *, host: str = "") -> None:
        """Note where, and on which host; nothing is opened yet."""
        self._url = url
        self._clock = clock
        self._owner = f"{TURN}@{this_process(host)}"
        self._conn: Connection | None = None
        self._due_ns: dict[str, int] = {}
        self._is_cut = False

    def step(self, duties: Sequence[Duty]) -> Done:
        """Do one step of the duty that has been due for longest, if one is.

        Raises:
            Error: the database cannot be used at all.
        """
        now_ns = self._clock.now_ns()
        self._due_ns = {duty.name: self._due_ns.get(duty.name, now_ns) for duty in duties}
        duty = min(duties, key=lambda duty: self._due_ns[duty.name], default=None)
        if duty is None or self._due_ns[duty.name] > now_ns:
            return self._paused(Done(self._pause_s()))
        try:
            step = self._do(duty)
        except Error as error:
            if not (isinstance(error, DatabaseTransient) and cause_of(error).keeps):
                self.close()
            self._rest(duty, BUSY_S if isinstance(error, DatabaseTransient) else REFUSED_S)
            return self._paused(Done(self._pause_s(), duty.name, error=error))
        if step is None:
            return self._paused(Done(ANOTHERS_S))
        took_s = (self._clock.now_ns() - now_ns) / NS_PER_S
        self._rest(duty, max(SHORTEST_PAUSE_S, took_s * (1 / duty.share - 1)) if step.has_more else duty.rest_s)
        return self._paused(Done(self._pause_s(), duty.name, step.gone, step.told))

    def cut(self) -> None:
        """Break off a step that is under way in another thread; no step is done any more."""
        self._is_cut = True

    def close(self) -> None:
        """Close the connection."""
        if self._conn is not None:
            self._conn.close()
            self._conn = None

    def _do(self, duty: Duty) -> Step | None:
        """One step, committed; None when it is another supervisor's turn.

        Raises:
            Error: nothing was changed.
        """
        conn = self._connection()
        with translate(), conn.transaction():
            if duty.has_one_snapshot:
                conn.execute(_ONE_SNAPSHOT)  # before any query
            conn.execute(_LIMIT)
            if not turns.try_take_turn(conn, TURN, self._owner):
                return None
            step = duty.step(conn)
            if step.gone:
                gone.note(conn, step.gone)
            return step

    def _connection(self) -> Connection:
        if self._conn is None or self._conn.closed:
            self._conn = connect(
                self._url.reveal(), application_name=APPLICATION, autocommit=True, lock_timeout_ms=_LOCK_WAIT_MS
            )
            self._conn.on_wait = partial(_check_wait, lambda: self._is_cut)
        return self._conn

    def _rest(self, duty: Duty, seconds: float) -> None:
        self._due_ns[duty.name] = self._clock.now_ns() + round(seconds * NS_PER_S)

    def _pause_s(self) -> float:
        """Seconds until the next duty is due."""
        first_ns = min(self._due_ns.values(), default=self._clock.now_ns() + round(ANOTHERS_S * NS_PER_S))
        return max(0.0, (first_ns - self._clock.now_ns()) / NS_PER_S)

    def _paused(self, done: Done) -> Done:
        if done.pause_s > _KEPT_S:
            self.close()
        return done


def _check_wait(is_cut: Callable[[], bool], seconds: float) -> None:
    """End a wait for an answer that nobody needs any more, or that does not come.

    Raises:
        DatabaseTransient: it is one.
    """
    if is_cut():
        raise DatabaseTransient("asked to stop in the middle of a step")
    if seconds > _SILENCE_S:
        raise DatabaseTransient("the database does not answer a step of the maintenance")

"""This host among those that write to the same database: it beats while it works, sees the others, and leaves."""

from __future__ import annotations

import threading
from contextlib import closing, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar, Final, Literal

from ledger import NS_PER_S, SystemClock
from supervisor.database.hosts import host_records
from supervisor.database.ledger_source import APPLICATION
from tasks.calls.spool import Spool, SpoolFull
from tasks.errors import Error
from tasks.ingest.dead_hosts import DeadHosts
from tasks.store.calls import sums
from tasks.store.connection import connect
from tasks.store.ledger_row import hosts
from tasks.store.ledger_row.twin_watch import TwinWatch
from tasks.store.sqlstate import translate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from supervisor.host_record import HostRecord
    from tasks.ingest.dead_hosts import Released
    from tasks.secret import Secret
    from tasks.store.connection import Connection
    from tasks.store.ledger_row.hosts import Host, Newcomer

_SUM_NS: Final = 60 * NS_PER_S  # and sooner at first, when what was spent has only begun
_SUM_LIMIT: Final = "SET LOCAL statement_timeout = '3s'"
_DAY: Final = timedelta(days=1)
_CLOSE_S: Final = 2.0
_LOCK_WAIT_MS: Final = 1_000  # a worker that stands still with locks must not make this host look dead


Part = Literal["at work", "draining", "away"]


class Presence:
    """This host among the others, kept by a thread: nobody who asks for it waits for the database.

    Attributes:
        look_s: seconds between two looks at the others: at most so much later than it could a dead host is called so.
        beat_s: seconds between two beats, at the least.
        number: the number of this host.
        workers: what the workers of this host are, for the other hosts to see.
        seen: all hosts as they were read last.
        tokens: what each host paid in the last day, by name.
        wanted: what this host wants to be: at work, `draining`, or `away` for a time.
        told: what the others were told last.
        is_displaced: whether its entry is gone, and it cannot be made again because another host has its number.
        original: the host of whose state directory this host's is a copy, while both beat.
        has_twin: whether a copy of this process, of which the machine was copied while it ran, beats in its entry. From
            then on the entry is left to that one.
    """

    look_s: ClassVar[float] = 1.0
    beat_s: ClassVar[float] = hosts.BEAT_S

    def __init__(
        self,
        url: Secret,
        number: int,
        spool: Spool,
        me: Newcomer,
        *,
        on_look: Callable[[], object] = lambda: None,
        on_release: Callable[[Released], object] = lambda _: None,
    ) -> None:
        """Begin to beat, and to give back what dead hosts have in hand.

        Args:
            url: the database.
            number: this host.
            spool: where replies lie that this host has paid for.
            me: what it joined as.
            on_look: called by the thread after each look at the others.
            on_release: called by the thread with what went back.
        """
        self.number = number
        self.workers: Sequence[Mapping[str, object]] = ()
        self.seen: tuple[Host, ...] = ()
        self.tokens: Mapping[str, int] = {}
        self.wanted: Part = "at work"
        self.told: Part = "at work"
        self.is_displaced = False
        self.original: Host | None = None
        self.has_twin = False
        self._twins = TwinWatch()
        self._url = url
        self._me = me
        self._on_look = on_look
        self._on_release = on_release
        self._dead_hosts = DeadHosts(number, lambda: _may_hold_leftovers(spool))
        self._clock = SystemClock()
        self._beat_ns = self._seen_ns = self._clock.now_ns()
        self._summed_ns = self._began_ns = self._clock.now_ns()
        self._is_over = False
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._live, name="host beat", daemon=True)
        self._thread.start()

    @property
    def is_to_drain(self) -> bool:
        """Whether somebody asked this host over the database to finish its calls and leave."""
        return any(one.number == self.number and one.state == "draining" for one in self.seen)

    def records(self) -> tuple[HostRecord, ...]:
        """The hosts as reports show them."""
        later_s = (self._clock.now_ns() - self._seen_ns) / NS_PER_S
        return host_records.records(self.seen, self.number, self.tokens, later_s)

    def close(self) -> None:
        """Say that this host leaves, if the database is there."""
        self._is_over = True
        self._wake.set()
        self._thread.join(_CLOSE_S)

    def be(self, wanted: Part) -> None:
        """Tell the others soon."""
        self.wanted = wanted
        self._wake.set()

    def begin_join(self) -> None:
        """To be called before this host joins once more: what that writes is not of a copy."""
        self._twins.begin_join()

    def end_join(self) -> None:
        """To be called when it is known whether this host has joined."""
        self._twins.end_join()

    def _live(self) -> None:
        conn: Connection | None = None
        while not self._is_over:
            self._wake.wait(self.look_s)
            self._wake.clear()
            if self._is_over:
                break
            try:
                if conn is None or conn.closed:
                    conn = self._connect()
                with translate():
                    self._look(conn)
            except Error:  # the watch of the database tells that it is away
                if conn is not None:
                    conn.close()
        with suppress(Error), closing(conn or self._connect()) as last, translate():
            if not self.has_twin:
                hosts.leave(last, self.number, self._me.id)

    def _connect(self) -> Connection:
        return connect(self._url.reveal(), application_name=APPLICATION, autocommit=True, lock_timeout_ms=_LOCK_WAIT_MS)

    def _look(self, conn: Connection) -> None:
        """Say that this host is alive, when it is time, see who else is, and look after what the dead have in hand."""
        now_ns, wanted = self._clock.now_ns(), self.wanted
        if wanted not in {self.told, "at work"}:
            (hosts.leave if wanted == "away" else hosts.drain)(conn, self.number, self._me.id)
        self.told = wanted
        if wanted != "away" and not self.has_twin and now_ns - self._beat_ns >= self.beat_s * NS_PER_S:
            self._beat(conn)
            self._beat_ns = now_ns
        if now_ns - self._summed_ns >= min(_SUM_NS, self._summed_ns - self._began_ns):
            self._summed_ns = now_ns  # whatever comes of it: this is to be seen, and the beats are to be regular
            with conn.transaction():
                conn.execute(_SUM_LIMIT)
                self.tokens = {one.name: one.tokens for one in sums.sums(conn, since=_DAY, by="host")}
        found, self._seen_ns = hosts.hosts(conn), self._clock.now_ns()
        try:
            released = self._dead_hosts.step(conn, found, self._seen_ns / NS_PER_S)
        finally:
            self.seen = tuple(self._dead_hosts.heard(found))
        self.original = self._dead_hosts.original(found)
        self._on_look()
        if released is not None:
            self._on_release(released)

    def _beat(self, conn: Connection) -> None:
        """Say that this host is alive, unless a copy of it does; make its entry again where that is gone."""
        with conn.transaction():
            last = hosts.last_beat(conn, self.number, self._me.id)
            self.has_twin = last is not None and self._twins.finds(last)
            if self.has_twin:
                return
            self._twins.beat(None)  # from here on an answer that is lost may have told of a beat
            at = None if last is None else hosts.beat(conn, self.number, self.workers)
        self._twins.beat(at)
        self.is_displaced = last is None and not hosts.enter_again(conn, self.number, self._me)


def _may_hold_leftovers(spool: Spool) -> bool:
    """Whether replies of dead workers lie there, or may: a folder that cannot be got at does not tell."""
    try:
        return spool.holds_leftovers()
    except SpoolFull:
        return True

"""This host among those that write to the same database: it joins them, beats while it works, and leaves.

Two hosts that spend from one account have to share one ledger: otherwise each would spend every token once. So a host
whose ledger would be another one than that of a host at work is kept out.
"""

from __future__ import annotations

import threading
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from importlib import metadata
from typing import TYPE_CHECKING, Final, Literal

from ledger import NS_PER_S, SystemClock
from ledger.durations import format_elapsed
from supervisor.config import host_id
from supervisor.database import backend, host_records
from supervisor.database.ledger_source import APPLICATION, account_number, is_in_database
from supervisor.database.rival_wait import RivalWait, Verdict
from tasks.calls.spool import Spool, SpoolFull
from tasks.errors import ConfigError, Error
from tasks.ingest.dead_hosts import DeadHosts
from tasks.store.calls import sums
from tasks.store.connection import connect
from tasks.store.ledger_row import hosts
from tasks.store.ledger_row.hosts import Host, Newcomer
from tasks.store.migrate import bundled_migrations
from tasks.store.sqlstate import translate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from supervisor.config.run_plan import RunPlan
    from supervisor.host_record import HostRecord
    from tasks.ingest.dead_hosts import Released
    from tasks.secret import Secret
    from tasks.store.connection import Connection

AGAIN_S: Final = 1.0
_LOOK_S: Final = 1.0  # at most so much later than it could a dead host is called so
_BEAT_NS: Final = round(hosts.BEAT_S * NS_PER_S)
_SUM_NS: Final = 60 * NS_PER_S
_SUM_LIMIT: Final = "SET LOCAL statement_timeout = '3s'"
_DAY: Final = timedelta(days=1)
_CLOSE_S: Final = 2.0
_LOCK_WAIT_MS: Final = 1_000  # a worker that stands still with locks must not make this host look dead


Part = Literal["at work", "draining", "away"]


class Presence:
    """This host among the others, kept by a thread: nobody who asks for it waits for the database.

    Attributes:
        number: the number of this host.
        workers: what the workers of this host are, for the other hosts to see.
        seen: all hosts as they were read last.
        tokens: what each host paid in the last day, by name.
        wanted: what this host wants to be: at work, `draining`, or `away` for a time.
        told: what the others were told last.
        is_displaced: whether its entry is gone, and it cannot be made again because another host has its number.
        original: the host of whose state directory this host's is a copy, while both beat.
    """

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
        self._url = url
        self._me = me
        self._on_look = on_look
        self._on_release = on_release
        self._dead_hosts = DeadHosts(number, lambda: _may_hold_leftovers(spool))
        self._clock = SystemClock()
        self._beat_ns = self._seen_ns = self._clock.now_ns()
        self._summed_ns: int | None = None
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

    def _live(self) -> None:
        conn: Connection | None = None
        while not self._is_over:
            self._wake.wait(_LOOK_S)
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
            hosts.leave(last, self.number)

    def _connect(self) -> Connection:
        return connect(self._url.reveal(), application_name=APPLICATION, autocommit=True, lock_timeout_ms=_LOCK_WAIT_MS)

    def _look(self, conn: Connection) -> None:
        """Say that this host is alive, when it is time, see who else is, and look after what the dead have in hand."""
        now_ns, wanted = self._clock.now_ns(), self.wanted
        if wanted not in {self.told, "at work"}:
            (hosts.leave if wanted == "away" else hosts.drain)(conn, self.number)
        self.told = wanted
        if wanted != "away" and now_ns - self._beat_ns >= _BEAT_NS:
            is_there = hosts.beat(conn, self.number, self.workers, host_id=self._me.id)
            self.is_displaced = not (is_there or hosts.enter_again(conn, self.number, self._me))
            self._beat_ns = now_ns
        if self._summed_ns is None or now_ns - self._summed_ns >= _SUM_NS:
            self._summed_ns = now_ns  # whatever comes of it: this is to be seen, and the beats are to be regular
            with conn.transaction():
                conn.execute(_SUM_LIMIT)
                self.tokens = {one.name: one.tokens for one in sums.sums(conn, since=_DAY, by="host")}
        self.seen, self._seen_ns = tuple(hosts.hosts(conn)), self._clock.now_ns()
        released = self._dead_hosts.step(conn, self.seen, self._seen_ns / NS_PER_S)
        self.original = self._dead_hosts.original(self.seen)
        self._on_look()
        if released is not None:
            self._on_release(released)


def look_at_others(plan: RunPlan, url: Secret) -> tuple[list[Host], Host | None]:
    """All hosts, and one that this host must not work beside, if there is one; nothing is changed.

    Raises:
        Error: the database cannot be used.
    """
    new = newcomer(plan, known_identity(plan), "", plan.keys, shares=is_in_database(plan))
    with connect(url.reveal(), application_name=APPLICATION, autocommit=True) as conn, translate():
        return hosts.hosts(conn), hosts.rival(conn, new)


@dataclass(frozen=True, slots=True)
class InTheWay:
    """Why this host must not take part now; with `is_final` there is nothing to wait for any more."""

    why: str
    is_final: bool


def try_join(plan: RunPlan, url: Secret, run: str, keys: Sequence[str], wait: RivalWait) -> int | InTheWay:
    """The number of this host, which takes part from now on; or what is in the way.

    Args:
        plan: this run.
        url: the database.
        run: the run.
        keys: the names of those that it spends from.
        wait: the wait for a host that this one must not work beside.

    Raises:
        Error: the database cannot be used.
    """
    new, clock = this_host(plan, run, keys), SystemClock()
    with connect(url.reveal(), application_name=APPLICATION, autocommit=True) as conn, translate():
        while isinstance(found := hosts.join(conn, new), Host):
            verdict = wait.judge(found, clock.now_ns() / NS_PER_S)
            if verdict is not Verdict.DEAD:
                return InTheWay(refusal(plan, found), verdict is Verdict.REFUSE)
            hosts.note_dead(conn, found)
        return found


def take_part(plan: RunPlan, url: Secret, run: str) -> Presence | None:
    """This host among the others, for a command that may wait; None where no other host can reach the database.

    Raises:
        ConfigError: another host spends from the same account with another ledger, or has this state directory's name.
        Error: the database cannot be used.
    """
    if plan.database is not None:
        return None
    wait, pause = RivalWait(), threading.Event()
    while isinstance(found := try_join(plan, url, run, [plan.key], wait), InTheWay):
        if found.is_final:
            raise ConfigError(found.why)
        pause.wait(AGAIN_S)
    return Presence(url, found, spool_of(plan), this_host(plan, run, [plan.key]))


def _may_hold_leftovers(spool: Spool) -> bool:
    """Whether replies of dead workers lie there, or may: a folder that cannot be got at does not tell."""
    try:
        return spool.holds_leftovers()
    except SpoolFull:
        return True


def spool_of(plan: RunPlan) -> Spool:
    """The replies that this host has paid for and not yet written to its database."""
    return Spool(plan.state.spool(backend.identity_of(plan).spool), limit_bytes=0, host=plan.state.host())


def number_beside(plan: RunPlan, url: Secret) -> int:
    """The number of this host for a command beside its supervisor, which beats for it.

    Raises:
        ConfigError: the supervisor is not of this host.
        Error: the database cannot be used.
    """
    with connect(url.reveal(), application_name=APPLICATION, autocommit=True) as conn, translate():
        number = hosts.find(conn, identity(plan))
    if number is None:
        raise ConfigError(
            "the supervisor of this state directory takes no part now: either it is drained (`sluicegate resume all` "
            "ends that), or it runs in another container or PID namespace: give this command where it runs"
        )
    return number


def refusal(plan: RunPlan, rival: Host) -> str:
    """Why this host must not work beside that one, and what to do."""
    if rival.state_dir == plan.state.name():
        return copied(plan, rival)
    own = "a ledger of its own" if rival.ledger == "file" else "the ledger in the database"
    return (
        f"the host {rival.name} (heard {format_elapsed(rival.silent_s)} ago) spends from the same key with {own}, so "
        "both would spend each token: stop it, or start both with `sluicegate run --join`, which makes them share one"
    )


def copied(plan: RunPlan, original: Host) -> str:
    """That this host's state directory is a copy of the one that another host works with, and what to do."""
    return (
        f"STATE_DIR {plan.state.root} is a copy of the one with which the host {original.name} runs: start this host "
        "with an empty STATE_DIR of its own"
    )


def identity(plan: RunPlan) -> str:
    """What this host is called among all.

    Raises:
        ConfigError: the file with the name of its state directory is damaged, or cannot be written.
    """
    try:
        return hosts.identity(host_id.make(plan.state.host_id))
    except OSError as error:
        raise ConfigError(f"{plan.state.host_id} cannot be written: {error.strerror}") from error


def known_identity(plan: RunPlan) -> str:
    """The same without making a name for a state directory that has none: that of no host then."""
    name = plan.state.name()
    return hosts.identity(name) if name else ""


def this_host(plan: RunPlan, run: str, keys: Sequence[str]) -> Newcomer:
    """This host as it takes part, as one that spends from the keys of these names.

    Raises:
        ConfigError: the file with the name of its state directory is damaged, or cannot be written.
    """
    new = newcomer(plan, identity(plan), run, keys, shares=plan.settings.ledger == "database")
    return replace(new, supervisor=hosts.this_supervisor())


def newcomer(plan: RunPlan, name: str, run: str, keys: Sequence[str], *, shares: bool) -> Newcomer:
    """This host under that identity, as one that spends from the keys of these names."""
    accounts = [plan.of_key(name).account("" if shares else run) for name in keys]
    return Newcomer(
        id=name,
        name=plan.settings.host_name,
        version=_build(),
        ledger="database" if shares else "file",
        accounts=[account_number(one) for one in accounts],
        migration=bundled_migrations()[-1].number,
    )


def _build() -> str:
    with suppress(metadata.PackageNotFoundError):
        return metadata.version("sluicegate")
    return "unknown"

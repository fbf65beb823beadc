"""Looks at deals that have changed, makes messages of what rules tell, and sends them: a round a second.

One host at a time does it for a database, in the turn `rules`. What a round cannot do because the database is away is
done when that is back. A target that refuses messages is a condition of the run, from its first refusal to its end.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from ledger import localtime
from ledger.process import this_process
from supervisor.notify.live_rules import live_rules
from tasks.errors import DatabaseTransient
from tasks.notify import look
from tasks.notify.deliver import deliver
from tasks.notify.post import Postman, make_messages
from tasks.store import migrate, turns
from tasks.store.connection import connect
from tasks.store.notify import changes, outbox, products
from tasks.store.sqlstate import translate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from supervisor.config.notify_settings import NotifySettings
    from supervisor.notify.figures import Figures
    from tasks.notify.look import LiveRule
    from tasks.runtime.heartbeat_writer import HeartbeatWriter
    from tasks.runtime.log import Logger
    from tasks.runtime.stop import Stop
    from tasks.store.connection import Connection
    from tasks.store.notify.outbox import Failing

_ROUND_S: Final = 1.0
_MOST_AT_ONCE: Final = 50  # messages to a target in one round
_AWAY_S: Final = 2.0  # between two tries to reach a database that is away
_FINISH_S: Final = 3.0  # for what is being sent when the end is asked for
_LOCK_TIMEOUT_MS: Final = 700
_SILENT_S: Final = 30.0  # a server that owes an answer for longer is taken for gone
_REFRESH: Final = timedelta(minutes=1)  # the names of selections are read again
_TIDY: Final = timedelta(hours=1)
KEPT: Final = timedelta(days=30)  # messages that were sent, and those that no target accepted
_FORGET: Final = timedelta(days=90)  # products that nothing has happened to
_APPLICATION: Final = "sluicegate notify"


class Service:
    """The rounds of one process."""

    def __init__(
        self, settings: NotifySettings, stop: Stop, beat: HeartbeatWriter, log: Logger, figures: Figures
    ) -> None:
        self._settings = settings
        self._stop = stop
        self._beat = beat
        self._log = log
        self._figures = figures
        self._owner = f"{_APPLICATION}@{this_process()}"
        self._postman = Postman(settings.targets, deliver)
        self._connection: Connection | None = None
        self._rules: list[LiveRule] = []
        self._has_begun = False
        self._refreshed_at = self._tidied_at = datetime.min.replace(tzinfo=UTC)

    def run(self) -> None:
        """Do rounds until the stop.

        Raises:
            Error: a person has to mend the database, its login or its tables.
        """
        try:
            self._beat.ready()  # alarms come without a database
            while not self._stop.is_set():
                self._beat.job(targets=self._figures.record())
                self._beat.done()
                self._stop.wait(self._try(self._round) if self._settings.database_url else self._wait())
            self._finish()
        finally:
            self._postman.close()
            self._close()

    def _try(self, work: Callable[[Connection], float]) -> float:
        """Do some work; how many seconds to wait before the next, which is longer when the database is away."""
        try:
            with translate():
                return work(self._open())
        except DatabaseTransient:
            self._close()
            self._beat.phase("waiting_work", "the database is away")
            return _AWAY_S

    def _wait(self) -> float:
        self._beat.phase("waiting_work", "there is no database yet: alarms alone are told")
        return _ROUND_S

    def _round(self, conn: Connection) -> float:
        now = datetime.now(UTC)
        if not self._is_ours(conn):
            return _ROUND_S
        self._refresh(conn, now)
        while not self._stop.is_set():
            with conn.transaction():
                count = look.look(conn, self._rules, now)
            if count < look.AT_ONCE:
                break
            self._beat.done()  # what has changed in a day may take longer than a turn lasts, or a silence may
            if not self._is_ours(conn):
                return _ROUND_S
        with conn.transaction():
            make_messages(conn, self._settings.rules, now)
        self._send(conn)
        self._tell_condition(outbox.failing(conn))
        self._figures.waits("database", {one.target: (one.messages, one.oldest_at) for one in outbox.unsent(conn)})
        self._tidy(conn, now)
        self._beat.phase("waiting_work", self._about())
        return _ROUND_S

    def _is_ours(self, conn: Connection) -> bool:
        """Whether the turn is this process's, for another two minutes."""
        with conn.transaction():
            is_ours = turns.try_take_turn(conn, changes.TURN, self._owner)
        if not is_ours:
            self._has_begun = False
            self._figures.waits("database", {})  # the other host tells of it
            self._beat.phase("waiting_work", "another host sends the messages of this database")
        return is_ours

    def _refresh(self, conn: Connection, now: datetime) -> None:
        """Take over the rules at the beginning, and the names of selections that have come since."""
        if self._has_begun and now - self._refreshed_at < _REFRESH:
            return
        self._rules = live_rules(conn, self._settings)
        if not self._has_begun:
            with conn.transaction():
                look.begin(conn, self._rules, now)
                names = [one.name for one in self._settings.rules]
                left = outbox.abandon_others(conn, [one.name for one in self._settings.targets], names)
            if left:
                self._log.warning("messages_abandoned", count=left)
        with conn.transaction():  # or after a day nobody would write down any more what changes
            for rule in self._rules:
                products.in_use(conn, rule.settings.name, rule.settings.digest, now)
        self._has_begun, self._refreshed_at = True, now

    def _send(self, conn: Connection) -> None:
        """Send what is due, one message after the other to each target, for about as long as a round takes."""
        for _ in range(_MOST_AT_ONCE):
            now = datetime.now(UTC)
            self._settle(conn, now)
            with conn.transaction():
                chosen = self._postman.begin(conn, now)
            self._postman.send(chosen)
            if not chosen or self._stop.is_set():
                return
            self._postman.wait(_ROUND_S)

    def _settle(self, conn: Connection, now: datetime) -> None:
        if self._postman.is_done():
            with conn.transaction():
                settled = self._postman.settle(conn, now)
            for one in settled():
                if one.error is None:
                    self._figures.sent(one.target)
                    self._log.debug("message_sent", target=one.target)
                else:
                    self._figures.refused(one.target)
                    self._log.warning("message_not_delivered", target=one.target, error=one.error)

    def _tell_condition(self, failing: Sequence[Failing]) -> None:
        if not failing:
            self._beat.condition_over("notify")
            return
        words = "; ".join(
            f"{one.target} has accepted no message since {localtime.minute(one.since)}: {one.reason} "
            f"({one.waiting} wait)"
            for one in failing
        )
        self._beat.degraded(
            "notify", words, late_s=(datetime.now(UTC) - min(one.since for one in failing)).total_seconds()
        )

    def _tidy(self, conn: Connection, now: datetime) -> None:
        if now - self._tidied_at < _TIDY:
            return
        self._tidied_at = now
        with conn.transaction():
            lost = outbox.prune(conn, now - KEPT)
            for rule in self._settings.rules:
                products.forget_old(conn, rule.name, now - _FORGET)
        if lost:
            self._log.warning("messages_abandoned", count=lost)

    def _about(self) -> str:
        rules, targets = len(self._settings.rules), len(self._settings.targets)
        return f"{rules} rule{'s' if rules > 1 else ''}, {targets} target{'s' if targets > 1 else ''}"

    def _finish(self) -> None:
        """Write down what was being sent if that ends soon, and let another host go on."""
        self._postman.wait(_FINISH_S, for_all=True)
        if self._settings.database_url:
            self._try(self._hand_over)

    def _hand_over(self, conn: Connection) -> float:
        self._settle(conn, datetime.now(UTC))
        with conn.transaction():
            turns.give_up(conn, changes.TURN, self._owner)
        return 0.0

    def _open(self) -> Connection:
        if self._connection is None or self._connection.closed:
            url = self._settings.database_url.reveal()
            self._connection = connect(
                url, application_name=_APPLICATION, autocommit=True, lock_timeout_ms=_LOCK_TIMEOUT_MS, wait_s=5
            )
            self._connection.on_wait = _silent
            migrate.check(self._connection)
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _silent(seconds: float) -> None:
    if seconds > _SILENT_S:
        raise DatabaseTransient(f"the database has not answered for {_SILENT_S:g} s")

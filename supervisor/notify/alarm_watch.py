"""Sends alarms beside all else, so that they come also while the database is away: a look every two seconds.

The book of what was told and is to be sent is a file in the state directory, because the database may be what is wrong.
"""

from __future__ import annotations

import os
import threading
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from ledger import LedgerError
from ledger.atomic_file import replace_file
from supervisor import report
from supervisor.config.state_dir.state_dir import StateDir
from supervisor.database.ledger_source import sources_in
from supervisor.notify.alarms import AlarmBook, Pending, problems, update
from supervisor.notify.drift import DriftWatch
from tasks.errors import NotDelivered
from tasks.notify.deliver import deliver
from tasks.notify.post import pause_s

if TYPE_CHECKING:
    from collections.abc import Iterator

    from supervisor.config.notify_settings import NotifySettings
    from supervisor.notify.alarms import Problem
    from supervisor.notify.figures import Figures, Waiting
    from tasks.runtime.log import Logger

_EVERY_S: Final = 2.0
_LAST_S: Final = 10.0  # for what the last report says, when the run ends
_STARTING: Final = "starting"


class AlarmWatch:
    """The thread that looks; it does nothing when no rule wants alarms."""

    def __init__(self, settings: NotifySettings, log: Logger, figures: Figures) -> None:
        self._rules = [rule for rule in settings.rules if rule.alarms]
        self._targets = {one.name: one for one in settings.targets}
        self._host = settings.host
        self._has_database = bool(settings.database_url)
        self._run_pid = os.getppid()  # a run that was killed has left its report
        self._state = StateDir(Path(settings.state_dir))
        self._sources = sources_in(self._state, settings.database_url, settings.accounts)
        self._log = log
        self._figures = figures
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._book = AlarmBook()
        is_one = len(self._sources) == 1
        self._drifts = {name: DriftWatch(None if is_one else name) for name in self._sources}
        self._not_before: dict[str, datetime] = {}

    def start(self) -> None:
        """Begin to look."""
        if self._rules:
            self._book = self._read()
            self._thread = threading.Thread(target=self._run, name="alarms", daemon=True)
            self._thread.start()

    def finish(self) -> None:
        """Look once more, at the report that says why the run ends, and wait for what that sends for a few seconds."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(_LAST_S)

    def _run(self) -> None:
        while not self._over.wait(_EVERY_S):
            self._look()
        self._look()

    def _look(self) -> None:
        last = report.read(self._state.status)
        now = datetime.now(UTC)
        if last is not None and last.supervisor.pid == self._run_pid:
            found = problems(last, list(self._drifts_now(now)))
            is_all = last.supervisor.state != _STARTING
            wanted = update(self._book, found, self._rules, self._host, now, is_all=is_all)
            if wanted != self._book:
                self._keep(wanted)
        self._send(now)
        self._figures.waits("alarms", _waiting(self._book))

    def _drifts_now(self, now: datetime) -> Iterator[Problem]:
        """What somebody else spends of each key whose ledger can be read."""
        least = min((rule.drift for rule in self._rules if "drift" in rule.alarms), default=None)
        if least is None or not self._has_database:
            return
        for name, source in self._sources.items():
            with suppress(LedgerError), closing(source.open()) as ledger:
                problem = self._drifts[name].look(ledger.snapshot().bucket.drift, least, now)
                if problem is not None:
                    yield problem

    def _send(self, now: datetime) -> None:
        """Send what is pending, to each target in order; one that refuses is left alone for a while."""
        held: set[str] = set()
        for one in self._book.pending:
            target = self._targets.get(one.target)
            if target is None:
                self._drop(one)
            elif one.target not in held and now >= self._not_before.get(one.target, now):
                try:
                    deliver(target, one.message)
                except NotDelivered as error:
                    held.add(one.target)
                    attempts = one.attempts + 1
                    self._not_before[one.target] = now + timedelta(seconds=pause_s(attempts))
                    self._count(one, attempts)
                    self._figures.refused(one.target)
                    self._log.warning("message_not_delivered", target=one.target, error=error)
                else:
                    self._drop(one)
                    self._figures.sent(one.target)
                    self._log.debug("message_sent", target=one.target)

    def _drop(self, one: Pending) -> None:
        left = tuple(other for other in self._book.pending if other is not one)
        self._keep(msgspec.structs.replace(self._book, pending=left))

    def _count(self, one: Pending, attempts: int) -> None:
        counted = msgspec.structs.replace(one, attempts=attempts)
        left = tuple(counted if other is one else other for other in self._book.pending)
        self._keep(msgspec.structs.replace(self._book, pending=left))

    def _keep(self, book: AlarmBook) -> None:
        """Keep the book; where the disk refuses it, in memory alone."""
        self._book = book
        with suppress(OSError):
            replace_file(self._state.alarms, msgspec.json.encode(book), durable=True)

    def _read(self) -> AlarmBook:
        try:
            return msgspec.json.decode(self._state.alarms.read_bytes(), type=AlarmBook)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return AlarmBook()


def _waiting(book: AlarmBook) -> dict[str, Waiting]:
    """What waits for each target, and since when; the oldest stand first in the book."""
    found: dict[str, Waiting] = {}
    for one in book.pending:
        count, oldest = found.get(one.target, (0, datetime.fromisoformat(one.message.made_at)))
        found[one.target] = (count + 1, oldest)
    return found

"""Shows a run to people: as frames of the live view, or as one log line a minute."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from ledger import NS_PER_S, LedgerError
from supervisor.config.lowered_floors import PlanChanges
from supervisor.database import counts
from supervisor.database.counts import RowReader
from supervisor.eventloop.executor import BackgroundExecutor, Failed, Succeeded
from supervisor.report import Frame
from supervisor.status import formatting
from supervisor.tree.reporting import report_of
from tasks.errors import plain
from tasks.roles import BACKFILL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ledger import Snapshot, Tier, TokenLedger
    from supervisor.database.counts import Counts
    from supervisor.eventloop.loop import Loop
    from supervisor.logs.log import Log
    from supervisor.tree.supervisor import Supervisor
    from tasks.secret import Secret

_FRAME_S: Final = 0.5
_CHECK_S: Final = 2.0
_QUIET_CHECKS: Final = 8  # after so many without a new row they are counted all the same: another program may write
_LINE_S: Final = 60.0


class Monitor:
    """Makes frames or lines of one run at fixed times, and has its rows counted."""

    def __init__(
        self,
        run: Supervisor,
        loop: Loop,
        log: Log,
        show: Callable[[Frame], None] | None,
        *,
        check_s: float = _CHECK_S,
    ) -> None:
        """Begin nothing yet; from `begin` on the run is looked at every `check_s` seconds."""
        self._run = run
        self._check_s = check_s
        self._loop = loop
        self._log = log
        self._show = show
        self._began_ns = loop.now_ns()
        self._reader: RowReader | None = None
        self._executor: BackgroundExecutor | None = None
        self._counting = False
        self._written: Mapping[str, int] | None = None  # when rows were last counted
        self._plan_changes: dict[str, PlanChanges] = {}
        self._tiers: dict[str, tuple[Tier, ...]] = {}
        self._quiet_checks = 0

    def begin(self) -> None:
        """Begin to show the run and to count its rows."""
        self._check()
        if self._show is None:
            self._loop.after(_LINE_S, self._line)
        else:
            self._loop.after(0, self._frame)

    def close(self) -> None:
        """Show how the run ended and close the connection, without waiting for a database that does not answer."""
        if self._show is not None:
            self._show(self._now())
        if self._executor is not None and self._executor.close(0.1) and self._reader is not None:
            self._reader.close()

    def _frame(self) -> None:
        if self._show is None:
            return
        self._show(self._now())
        self._loop.after(_FRAME_S, self._frame)

    def _line(self) -> None:
        self._loop.after(_LINE_S, self._line)
        self.log_progress()

    def log_progress(self) -> None:
        """Log the progress of the whole run as one line."""
        frame = self._now()
        fields: dict[str, object] = {}
        if len(frame.by_key) == 1:
            fields |= next((_tokens(one) for one in frame.snapshots), {})
        elif frame.by_key:
            fields["keys"] = {name: None if one is None else _tokens(one) for name, one in frame.by_key.items()}
        counted = frame.report.counted
        if counted is not None:
            fields |= {"rows": counted.rows, "queue": counted.queue}
        fields["rows_per_minute"] = {table: round(rate) for table, rate in frame.report.rows_per_minute.items()}
        jobs = [child.job for child in frame.report.workers if child.role == BACKFILL and child.job]
        self._log.info("progress", **fields, backfill=jobs[0] if jobs else None)

    def _now(self) -> Frame:
        now_ns = self._loop.now_ns()
        return Frame(
            report=report_of(self._run, now_ns),
            by_key=self._snapshots(),
            up_s=(now_ns - self._began_ns) / NS_PER_S,
        )

    def _snapshots(self) -> dict[str, Snapshot | None]:
        return {name: self._snapshot(name, ledger) for name, ledger in self._run.ledgers.items()}

    def _snapshot(self, name: str, ledger: TokenLedger) -> Snapshot | None:
        try:
            return ledger.snapshot()
        except LedgerError as error:
            self._log.error("ledger_unreadable", **self._named(name), error=plain(error))
            return None

    def _named(self, name: str) -> dict[str, str]:
        """The field of a log event that tells whose it is, where there are several keys."""
        return {"key": name} if len(self._run.ledgers) > 1 else {}

    def _check(self) -> None:
        """Have rows counted when some were written, and from time to time besides; log a new plan once."""
        self._loop.after(self._check_s, self._check)
        self._look_at_ledgers()
        written = self._run.tree.totals.rows()
        self._quiet_checks = self._quiet_checks + 1 if written == self._written else _QUIET_CHECKS
        if self._quiet_checks >= _QUIET_CHECKS:
            self._run.changed()  # a report that is not renewed looks like one of a supervisor that is stuck
        if self._quiet_checks >= _QUIET_CHECKS and not self._counting and self._run.database_url is not None:
            self._written, self._quiet_checks = written, 0
            self._count(self._run.database_url)

    def _look_at_ledgers(self) -> None:
        found = {name: one for name, one in self._snapshots().items() if one is not None and one.synced}
        if not found:
            return
        self._run.condition_watch.on_snapshots(found)
        for name, snapshot in found.items():
            self._log_new_plan(name, snapshot)

    def _log_new_plan(self, name: str, snapshot: Snapshot) -> None:
        tiers = self._run.plan.of_key(name).tiers()
        if self._tiers.get(name) != tiers:  # it is the first look, or somebody changed them
            self._tiers[name], self._plan_changes[name] = tiers, PlanChanges(tiers)
        plan = self._plan_changes[name].fields_of(snapshot.bucket.refill_rate)
        if plan is not None:
            self._log.info("plan", **self._named(name), **plan)

    def _count(self, url: Secret) -> None:
        """Have the rows counted in the background; one count at a time."""
        if self._executor is None or self._reader is None:
            self._executor, self._reader = BackgroundExecutor(self._loop, "rows"), RowReader(url)

        def counted(outcome: Succeeded[Counts] | Failed) -> None:
            self._counting = False
            if isinstance(outcome, Succeeded):
                self._run.counted = counts.count_record(outcome.value, self._run.plan.settings, self._run.counted)
                self._run.changed()

        self._counting = True
        self._executor.do(partial(self._reader.read, counts.wanted_streams(self._run.plan.settings)), counted)


def _tokens(snapshot: Snapshot) -> dict[str, object]:
    """The fields of the log event that tell the tokens of a key."""
    bucket = snapshot.bucket
    gates = {tier.name: formatting.gate(tier) for tier in snapshot.tiers}
    return {"balance": bucket.balance, "capacity": bucket.capacity, "gates": gates}

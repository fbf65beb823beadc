"""What the database or the spool refuses is no end of the run: the worker tells it, rests and goes on.

Replies that cannot be written are set aside where they are taken (`tasks.ingest.unwritable`). What else is refused, as
a claim from the queue by a trigger of the user's own, is tried again ever more rarely: nothing is paid for meanwhile.
Nor is it while the folder of paid replies cannot be got at: what lies there may be just what would be asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger import NS_PER_S
from tasks.calls.spool import SpoolFull
from tasks.errors import BadRow
from tasks.runtime.job import Idle

if TYPE_CHECKING:
    from ledger import Clock
    from tasks.runtime.heartbeat_writer import HeartbeatWriter
    from tasks.runtime.job import Job, StepDone
    from tasks.runtime.log import Logger

FIRST_S: Final = 1
LONGEST_S: Final = 300
SPOOL_S: Final = 5


class PatientJob:
    """The steps of one job."""

    def __init__(self, work: Job, clock: Clock, beat: HeartbeatWriter, log: Logger) -> None:
        self._work = work
        self._clock = clock
        self._beat = beat
        self._log = log
        self._failures = 0

    def start(self) -> None:
        """As the job's; what the database or the spool refuses is tried again with each step.

        Raises:
            Error: as the job does.
            LedgerError: likewise.
        """
        try:
            self._work.start()
        except BadRow as refusal:
            self._kept_from_database(refusal)
        except SpoolFull as refusal:
            self._kept_from_spool(refusal)

    def step(self) -> StepDone | Idle:
        """As the job's, but what the database or the spool refuses is a pause.

        Raises:
            Error: as the job does.
            LedgerError: likewise.
        """
        try:
            outcome = self._work.step()
        except BadRow as refusal:
            return self._kept_from_database(refusal)
        except SpoolFull as refusal:
            return self._kept_from_spool(refusal)
        self._failures = 0
        return outcome

    def _kept_from_database(self, refusal: BadRow) -> Idle:
        pause_s = min(LONGEST_S, FIRST_S * 2**self._failures)
        self._failures = min(self._failures + 1, LONGEST_S)
        self._log.alarm("database_refuses", error=refusal, retry_in_s=pause_s)
        self._beat.degraded("database", str(refusal))
        return Idle(until_ns=self._clock.now_ns() + pause_s * NS_PER_S, phase="writing", why=str(refusal))

    def _kept_from_spool(self, refusal: SpoolFull) -> Idle:
        self._log.warning("spool_full", reason=str(refusal))
        self._beat.degraded("spool", str(refusal))
        return Idle(until_ns=self._clock.now_ns() + SPOOL_S * NS_PER_S, phase="replaying", why=str(refusal))

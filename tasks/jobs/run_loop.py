"""The steps of one process: its jobs in turn, until the stop; how long it sleeps when none of them can do anything.

What the database or the spool refuses is no end of a worker: `PatientJob` reports it, rests and goes on. Replies that
cannot be written are quarantined where they are read (`tasks.ingest.unwritable`). What else is refused, as a claim from
the queue by a trigger of the user's own, is tried again ever more rarely: nothing is paid for meanwhile. Nor is it
while the folder of paid replies cannot be reached: what lies there may be just what would be asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

from ledger import NS_PER_S
from tasks.calls.spool import SpoolFull
from tasks.errors import BadRow
from tasks.runtime.job import Idle, StepDone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger import Clock
    from tasks.runtime.heartbeat_writer import Phase
    from tasks.runtime.job import Job, JobContext
    from tasks.runtime.stop import StopFlag

NAP_WITHOUT_TIME_S: Final = 1.0  # of a job that cannot say when it is due
LONGEST_NAP_S: Final = 30.0  # between two looks for replies that dead workers left
PLACE_NAP_S: Final = 2.0  # between two steps of a job in the ledger's queue: a place unused for 5 s may be lost
FIRST_REST_S: Final = 1  # after the database has refused work; doubles
LONGEST_REST_S: Final = 300
SPOOL_REST_S: Final = 5
_MAX_DOUBLINGS: Final = 9  # more than the longest rest needs


def run(jobs: Sequence[Job], stop: StopFlag, clock: Clock, *, once: bool) -> bool:
    """Do one step of each job in turn until the stop, or until each has done one poll or batch if `once`.

    Each step and each pause is reported in the job's heartbeat.

    Returns:
        Whether it ended because of `once`.

    Raises:
        Error: a job cannot go on.
        LedgerError: neither can the ledger.
    """
    left = list(jobs)
    while left:
        naps_s: list[float] = []
        turn = tuple(left)
        for job in turn:
            if stop.is_set():
                return False
            outcome = job.step()
            if once and is_enough(outcome):
                left.remove(job)
            match outcome:
                case StepDone():
                    job.context.beat.done()
                case Idle(until_ns=until_ns, phase=phase, why=why):
                    job.context.beat.phase(phase, why, until_ns=until_ns)
                    naps_s.append(nap_s(outcome, clock.now_ns(), blocking=job.context.blocking))
                case _:
                    assert_never(outcome)
        if left and len(naps_s) == len(turn):
            stop.wait(min(naps_s))
    return True


def nap_s(idle: Idle, now_ns: int, *, blocking: bool) -> float:
    """Seconds until the job that is idle gets its next step; `blocking`: whether it waits for tokens inside of one."""
    due_s = NAP_WITHOUT_TIME_S if idle.until_ns is None else max(0.0, (idle.until_ns - now_ns) / NS_PER_S)
    keeps_place = idle.phase == "waiting_tokens" and not blocking
    return min(due_s, PLACE_NAP_S if keeps_place else LONGEST_NAP_S)


def is_enough(outcome: StepDone | Idle) -> bool:
    """Whether one poll or one batch has ended with this step, or none is due."""
    match outcome:
        case StepDone(completes=completes):
            return completes
        case Idle(phase=phase):
            return phase in {"waiting_poll", "waiting_work"}
        case _:
            assert_never(outcome)


class PatientJob:
    """A job that rests where the database or the spool refuses its work."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._failures = 0

    @property
    def context(self) -> JobContext:
        """See `Job.context`."""
        return self._job.context

    def start(self) -> None:
        """See `Job.start`; what the database or the spool refuses is tried again with each step.

        Raises:
            Error: as the job does.
            LedgerError: likewise.
        """
        try:
            self._job.start()
        except BadRow as refusal:
            self._rest_from_database(refusal)
        except SpoolFull as refusal:
            self._rest_from_spool(refusal)

    def step(self) -> StepDone | Idle:
        """See `Job.step`; what the database or the spool refuses is a pause.

        Raises:
            Error: as the job does.
            LedgerError: likewise.
        """
        try:
            outcome = self._job.step()
        except BadRow as refusal:
            return self._rest_from_database(refusal)
        except SpoolFull as refusal:
            return self._rest_from_spool(refusal)
        self._failures = 0
        return outcome

    def ask(self) -> None:
        """See `Job.ask`."""
        self._job.ask()

    def close(self) -> None:
        """See `Job.close`."""
        self._job.close()

    def _rest_from_database(self, refusal: BadRow) -> Idle:
        rest_s = min(LONGEST_REST_S, FIRST_REST_S * 2**self._failures)
        self._failures = min(self._failures + 1, _MAX_DOUBLINGS)
        self.context.log.error("database_refuses", error=refusal, retry_in_s=rest_s)
        self.context.beat.degraded("database", str(refusal))
        return self._idle(rest_s, "writing", refusal)

    def _rest_from_spool(self, refusal: SpoolFull) -> Idle:
        self.context.log.warning("spool_full", reason=str(refusal))
        self.context.beat.degraded("spool", str(refusal))
        return self._idle(SPOOL_REST_S, "replaying", refusal)

    def _idle(self, rest_s: int, phase: Phase, refusal: BadRow | SpoolFull) -> Idle:
        until_ns = self.context.clock.now_ns() + rest_s * NS_PER_S
        return Idle(until_ns=until_ns, phase=phase, why=str(refusal))

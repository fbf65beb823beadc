"""One key of a worker that serves several: a key that the server refuses rests alone, and comes back by itself.

A subscription that has lapsed is renewed by a person, and nobody tells this program. So the server is asked for the
balance of the key, which is free, ever more rarely.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger import NS_PER_S
from ledger.durations import format_duration
from tasks.errors import ApiError, Forbidden
from tasks.runtime.job import Idle

if TYPE_CHECKING:
    from tasks.runtime.job import Job, JobContext, StepDone

FIRST_REST_S: Final = 60  # doubles
LONGEST_REST_S: Final = 900
_MAX_DOUBLINGS: Final = 4


class KeyJob:
    """The job of one key."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._rests = 0
        self._look_ns = 0
        self.refusal: Forbidden | None = None
        """Why the server does not serve the key; None while it does."""

    @property
    def name(self) -> str:
        """What people call the key."""
        return self.context.settings.key_name

    @property
    def context(self) -> JobContext:
        """See `Job.context`."""
        return self._job.context

    def start(self) -> None:
        """See `Job.start`."""
        self._job.start()

    def step(self) -> StepDone | Idle:
        """See `Job.step`; a key that is refused is a pause.

        Raises:
            Error: the job cannot go on, for another reason than its key.
            LedgerError: neither can the ledger.
        """
        if self.refusal is not None and not self._is_served_again(self.refusal):
            return self._idle(self.refusal)
        try:
            return self._job.step()
        except Forbidden as refusal:
            self.context.log.error("key_refused", key=self.name, error=refusal)
            return self._rest(refusal)

    def close(self) -> None:
        """See `Job.close`."""
        self._job.close()

    def ask(self) -> None:
        """See `Job.ask`."""
        self._job.ask()

    def _is_served_again(self, refusal: Forbidden) -> bool:
        context = self.context
        if context.clock.now_ns() < self._look_ns:
            return False
        try:
            self._job.ask()
        except ApiError as error:
            self._rest(error if isinstance(error, Forbidden) else refusal)
            return False
        self.refusal, self._rests = None, 0
        context.beat.condition_over("key")
        context.log.info("key_served_again", key=self.name)
        return True

    def _rest(self, refusal: Forbidden) -> Idle:
        rest_s = min(LONGEST_REST_S, FIRST_REST_S * 2**self._rests)
        self._rests = min(self._rests + 1, _MAX_DOUBLINGS)
        self._look_ns = self.context.clock.now_ns() + rest_s * NS_PER_S
        self.refusal = refusal
        self.context.beat.degraded("key", str(refusal))
        return self._idle(refusal)

    def _idle(self, refusal: Forbidden) -> Idle:
        left_s = max(0.0, (self._look_ns - self.context.clock.now_ns()) / NS_PER_S)
        why = f"refused, and asked again in {format_duration(left_s)}: {refusal}"
        return Idle(until_ns=self._look_ns, phase="waiting_work", why=why)

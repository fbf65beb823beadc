"""What the database refuses for good is one piece of work and not the run: the worker tells it and goes on.

Replies that cannot be written are set aside where they are taken (`tasks.unwritable`). What else is refused, as a claim
from the queue by a trigger of the user's own, is tried again ever more rarely: nothing is paid for meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger import NS_PER_S
from tasks.errors import BadRow
from tasks.job import Idle

if TYPE_CHECKING:
    from ledger import Clock
    from tasks.beat import Beat
    from tasks.job import Job, Progress
    from tasks.log import Logger

FIRST_S: Final = 1
LONGEST_S: Final = 300


class Steady:
    """The steps of one job."""

    def __init__(self, work: Job, clock: Clock, beat: Beat, log: Logger) -> None:
        self._work = work
        self._clock = clock
        self._beat = beat
        self._log = log
        self._failures = 0

    def step(self) -> Progress | Idle:
        """As the job's, but what the database refuses is a pause.

        Raises:
            Error: as the job does.
            LedgerError: likewise.
        """
        try:
            outcome = self._work.step()
        except BadRow as error:
            pause_s = min(LONGEST_S, FIRST_S * 2**self._failures)
            self._failures = min(self._failures + 1, LONGEST_S)
            self._log.alarm("database_refuses", error=error, retry_in_s=pause_s)
            self._beat.degraded("database", str(error))
            return Idle(until_ns=self._clock.now_ns() + pause_s * NS_PER_S, phase="writing", why=str(error))
        self._failures = 0
        return outcome

"""What a worker does while the ledger's row cannot be reached: it waits, reports that, and stops at once when asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.ingest.outage_report import DatabaseOutage
from tasks.store.ledger_row.patience import HEARD_S, LOOK_S

if TYPE_CHECKING:
    from ledger import OtherFormat
    from tasks.errors import DatabaseTransient
    from tasks.runtime.job import JobContext

FIRST_PAUSE_S: Final = 0.25
LONGEST_PAUSE_S: Final = 4.0  # so that a database that is back is noticed soon


class LedgerPatience:
    """Waits ever longer between two tries."""

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._outage = DatabaseOutage(context)
        self._failures = 0
        self._looks = 0

    def failed(self, error: DatabaseTransient) -> None:
        """Wait until the next try.

        Raises:
            DatabaseTransient: the stop was asked for.
        """
        pause_s = min(FIRST_PAUSE_S * 2**self._failures, LONGEST_PAUSE_S)
        self._failures += 1
        if self._context.stop.is_set():
            raise error
        self._outage.failed(error, pause_s)
        self._context.stop.wait(pause_s)

    def unreadable(self, error: OtherFormat) -> None:
        """Wait until the next look.

        Raises:
            OtherFormat: the stop was asked for, or the hosts of the newer build do not write what this one reads.
        """
        self._failures += 1
        self._looks += 1
        if self._context.stop.is_set() or self._looks * LOOK_S > HEARD_S:
            raise error
        self._outage.failed(error, LOOK_S)
        self._context.stop.wait(LOOK_S)

    def over(self) -> None:
        """Report that it is back."""
        if self._failures:
            self._failures = self._looks = 0
            self._outage.over()

"""Reports that the database is unavailable: since when, why, and that it is back.

A lost connection that is made again at once is not reported. What lasts is, and so is a statement that gets no answer
at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger import NS_PER_S
from ledger.durations import format_duration
from tasks.errors import DatabaseTransient

if TYPE_CHECKING:
    from tasks.runtime.job import JobContext

HICCUP_NS: Final = 3 * NS_PER_S
SILENCE_S: Final = 8.0  # a batch is written in less than a second
ATTEMPT_S: Final = 30.0  # what the next try may take until it fails, with several hosts to connect to


class DatabaseOutage:
    """Failures in a row, and the silence of one statement."""

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._failed_ns: int | None = None
        self._promises = 0
        self._reported = ""

    def failed(self, error: BaseException, pause_s: float) -> None:
        """It could not be done, and is tried again after `pause_s` seconds."""
        context, now_ns = self._context, self._context.clock.now_ns()
        if self._failed_ns is None:
            self._failed_ns = now_ns
        if str(error) != self._reported:
            self._reported = str(error)
            context.log.warning("database_unavailable", error=error, retry_in_s=round(pause_s, 1))
        until_ns = now_ns + round((pause_s + ATTEMPT_S) * NS_PER_S)
        context.beat.phase("writing", f"again in {format_duration(pause_s)}: {error}", until_ns=until_ns)
        if now_ns + round(pause_s * NS_PER_S) - self._failed_ns >= HICCUP_NS:
            self._degraded(str(error), (now_ns - self._failed_ns) / NS_PER_S)

    def silent(self, seconds: float) -> None:
        """The server has owed an answer to one statement for so long.

        Raises:
            DatabaseTransient: the stop was asked for, and there is nothing to wait for.
        """
        if seconds < SILENCE_S:
            return
        why = "the database does not answer a statement"
        if self._context.stop.is_set():
            raise DatabaseTransient(f"asked to stop while {why}")
        promises = int(seconds / SILENCE_S)  # a new one only when the last is over
        if promises > self._promises:
            until_ns = self._context.clock.now_ns() + round(2 * SILENCE_S * NS_PER_S)
            self._context.beat.phase("writing", why, until_ns=until_ns)
            self._degraded(why, seconds)
        self._promises = promises

    def over(self) -> None:
        """A transaction was committed."""
        if self._failed_ns is not None:
            away_s = round((self._context.clock.now_ns() - self._failed_ns) / NS_PER_S, 1)
            self._context.log.info("database_back", away_s=away_s)
            self._failed_ns, self._reported = None, ""
        self._promises = 0
        self._context.beat.condition_over("database")

    def _degraded(self, why: str, late_s: float) -> None:
        self._context.beat.ready()  # as far as it can be: what is missing is not the worker's
        self._context.beat.degraded("database", why, late_s=late_s)

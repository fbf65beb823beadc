"""The question for the balance, and the report that nothing usable is learned of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.errors import NotFromApi, NotSent, Transient

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger import Reading, Standing
    from tasks.runtime.job import JobContext

OLD_S: Final = 900.0  # a balance that is older although the server was asked for it is reported
ODD_IN_A_ROW: Final = 3  # readings that were not believed, one after the other: no hiccup any more
_SERVER_FAULT: Final = 500


class BalancePoll:
    """What one worker does to learn the balance."""

    def __init__(self, context: JobContext) -> None:
        self._context = context

    def ask(self, read: Callable[[], Reading]) -> None:
        """Ask the server, and let the ledger judge the answer; work goes on without one that cannot be used.

        Raises:
            Transient: no answer came.
            Forbidden: the server does not serve this key.
        """
        context = self._context
        sent_ns = context.clock.now_ns()
        try:
            reading = read()
        except NotSent:
            raise
        except Transient as error:
            if not _is_answer(error):
                raise
            context.log.warning("balance_unreadable", reason=str(error))
            context.ledger.unanswered()
        else:
            if not context.ledger.observe(reading, sent_ns=sent_ns):
                context.log.warning("balance_not_believed", left=_short(reading.tokens_left))
        self.report()

    def report(self) -> None:
        """Report with the next beat whether what is known of the balance is good enough to work with."""
        why = _problem(self._context.ledger.standing())
        if why:
            self._context.beat.degraded("balance", why)
        else:
            self._context.beat.condition_over("balance")

    @property
    def is_hidden(self) -> bool:
        """Whether the balance is unknown and asking for it brings nothing usable."""
        known = self._context.ledger.standing()
        return known.believed_age_s is None and known.asks > 0


def _is_answer(error: Transient) -> bool:
    """Whether something was answered, though not the balance: then the other calls may be answered well."""
    return isinstance(error, NotFromApi) or (error.status is not None and error.status < _SERVER_FAULT)


def _problem(known: Standing) -> str:
    """What keeps the balance from being known, or nothing."""
    if known.aside_in_a_row >= ODD_IN_A_ROW:
        count = known.aside_in_a_row
        return f"the last {count} readings of the balance cannot be true, so it is calculated from the calls"
    if not known.asks:
        return ""
    if known.believed_age_s is None:
        return "the balance is unknown: the API gives no usable answer to the question for it"
    if known.believed_age_s > OLD_S:
        return f"no usable reading of the balance came for {known.believed_age_s / 60:.0f} min"
    return ""


def _short(number: int) -> str:
    """A number of any length as it fits a log line."""
    return f"{number:d}" if abs(number) < 10**30 else "a number of more than 30 digits"

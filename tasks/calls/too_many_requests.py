"""What follows a 429, "too many requests": the server refuses for want of tokens. It is free, and no failure.

The reading in the reply corrects the balance in the ledger, so the gate is closed when the same request comes back to
it. If the gate opens all the same and the server refuses again, somebody else spends from the key and is quicker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger import NS_PER_S
from tasks.runtime.job import Idle

if TYPE_CHECKING:
    from ledger import Reading
    from tasks.runtime.job import JobContext

AT_ONCE_S: Final = 0.05  # a lease granted sooner than this was not waited for
AFTER_REFILL_S: Final = 0.1  # Keepa's own Java client lets this much pass beyond `refillIn`


class TooManyRequests:
    """The 429s that one worker got in a row."""

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._in_a_row = 0

    def answered(self) -> None:
        """End the row: the server has given a reply."""
        self._in_a_row = 0

    def refused(self, reading: Reading, *, waited_s: float) -> Idle:
        """Count a 429 of a call that had waited so long for its lease; when to come back to the gate.

        At once as a rule, for the gate knows when to open. From the second in a row without a wait, after the next
        refill.
        """
        context = self._context
        self._in_a_row += 1
        until_ns = context.clock.now_ns()
        if self._in_a_row > 1 and waited_s < AT_ONCE_S:
            tick_s = context.ledger.standing().tick_s  # no wait is longer, whatever the reply says
            refill_in_s = min(max(reading.refill_in_ms, 0) / 1000, tick_s)
            until_ns += round((refill_in_s + AFTER_REFILL_S) * NS_PER_S)
        return Idle(until_ns=until_ns, phase="waiting_tokens", why="the server refused with 429: somebody else spends")

"""The account as the server keeps it, on virtual time: admits above zero, charges when the work is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.scenarios.engine import NS_PER_S, Rest
from ledger import Reading
from tasks.simulator.bucket import TICK_PERIOD_NS, Bucket, Plan

if TYPE_CHECKING:
    from collections.abc import Generator

    from benchmarks.scenarios.measures import Recorder
    from ledger import ManualClock

JITTER_NS = 300_000_000
PHASE_NS = 17 * NS_PER_S
BACKFILL_FLOOR = 150


class Server:
    """The simulator's bucket, with every change of its balance told to the recorder."""

    def __init__(self, rate: int, seed: int, clock: ManualClock, recorder: Recorder) -> None:
        self._clock = clock
        self._recorder = recorder
        plan = Plan(rate=rate, tick_period_ns=TICK_PERIOD_NS, tick_jitter_ns=JITTER_NS, seed=seed)
        self.bucket = Bucket(plan, first_tick_ns=clock.now_ns() + PHASE_NS, start=start_balance(rate))

    def ticks(self) -> Generator[Rest, None, None]:
        """The process that refills."""
        while True:
            yield Rest(self.bucket.next_tick_ns)
            self.bucket.advance(self._clock.now_ns())
            self._tell()

    def admits(self) -> bool:
        """Whether a call that arrives now is let in."""
        return self.bucket.is_admitting

    def reply(self, cost: int) -> Reading:
        """Charge a call whose work is done; what its reply says. A cost of 0 is `/token`, or a refusal."""
        now_ns = self._clock.now_ns()
        if cost:
            self.bucket.charge(cost)
            self._tell()
        return Reading(
            tokens_left=self.bucket.balance,
            refill_rate=self.bucket.plan.rate,
            refill_in_ms=self.bucket.refill_in_ms(now_ns),
            server_ms=now_ns // 1_000_000,
        )

    def _tell(self) -> None:
        self._recorder.balance(self._clock.now_ns(), self.bucket.balance, self.bucket.expired)


def start_balance(rate: int) -> int:
    """Tokens at the start: what the backfill's floor leaves in the bucket, so that a run neither gains nor loses."""
    return min(BACKFILL_FLOOR, 60 * rate // 2)

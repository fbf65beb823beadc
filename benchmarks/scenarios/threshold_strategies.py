"""Strategies of the past: a threshold for each job, checked before the call against the last balance seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.scenarios.engine import NS_PER_S

if TYPE_CHECKING:
    from benchmarks.scenarios.server import Server
    from ledger import ManualClock, Reading

MOST_ITEMS = 100
LOOK_NS = 30 * NS_PER_S  # how often a waiting process asked for the balance
LEAST_NS = NS_PER_S
MINUTE_NS = 60 * NS_PER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The thresholds and habits of one stage of the old system."""

    upsert_from: int  # balance above which upsert calls
    backfill_from: int
    batch: int  # products a call on the small plan; larger plans had larger batches
    is_shared: bool = True  # whether the processes saw each other's last balance
    full_part: float | None = None  # once low, the backfill waits for this part of the capacity

    def items(self, rate: int) -> int:
        """Products a call on a plan of `rate`."""
        return min(MOST_ITEMS, max(self.batch, rate // 5))


class Purse:
    """The balance as a process believes it: the last one seen, and a steady trickle since."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._seen = 0
        self._seen_ns = 0

    def see(self, balance: int, now_ns: int) -> None:
        """A reply told the balance."""
        self._seen, self._seen_ns = balance, now_ns

    def tokens(self, now_ns: int) -> float:
        """What should be there now."""
        return min(60 * self._rate, self._seen + self._rate * (now_ns - self._seen_ns) / MINUTE_NS)


class PastCall:
    """A call that the thresholds let pass."""

    def __init__(self, purse: Purse, clock: ManualClock, items: int) -> None:
        self.items = items
        self._purse = purse
        self._clock = clock

    def sent(self) -> None:
        """Nobody else is told."""

    def done(self, cost: int, reading: Reading, *, refused: bool = False) -> None:  # noqa: ARG002 - the protocol's
        """The reply's balance is the new belief."""
        self._purse.see(reading.tokens_left, self._clock.now_ns())


class Past:
    """A client that follows a policy."""

    def __init__(self, policy: Policy, server: Server, clock: ManualClock) -> None:
        self._policy = policy
        self._server = server
        self._clock = clock
        self._rate = server.bucket.plan.rate
        self._upsert = Purse(self._rate)
        self._backfill = self._upsert if policy.is_shared else Purse(self._rate)
        self._is_recharging = False
        for purse in (self._upsert, self._backfill):
            self._sync(purse)

    def page(self) -> PastCall | int:
        """A page, above upsert's threshold."""
        return self._ask(self._upsert, self._policy.upsert_from, 1)

    def details(self, most: int) -> PastCall | int:
        """A chunk of details, above the same threshold."""
        return self._ask(self._upsert, self._policy.upsert_from, min(most, self._policy.items(self._rate)))

    def history(self) -> PastCall | int:
        """A batch, above the backfill's threshold or, after running low, once the bucket is as good as full."""
        policy = self._policy
        target = policy.backfill_from
        if policy.full_part is not None and self._is_recharging:
            target = round(policy.full_part * 60 * self._rate)
        outcome = self._ask(self._backfill, target, policy.items(self._rate))
        self._is_recharging = isinstance(outcome, int) and policy.full_part is not None
        return outcome

    def _ask(self, purse: Purse, target: int, items: int) -> PastCall | int:
        now_ns = self._clock.now_ns()
        if purse.tokens(now_ns) < target:
            self._sync(purse)
        missing = target - purse.tokens(now_ns)
        if missing <= 0:
            return PastCall(purse, self._clock, items)
        pause_ns = round(missing / self._rate * MINUTE_NS)
        return now_ns + min(max(pause_ns, LEAST_NS), LOOK_NS)

    def _sync(self, purse: Purse) -> None:
        purse.see(self._server.reply(0).tokens_left, self._clock.now_ns())

"""Keeps the account of one server: the bucket under a lock, what was spent, and the last calls."""

from __future__ import annotations

import threading
from collections import Counter, deque
from typing import TYPE_CHECKING, Final, NamedTuple

from tasks.simulator.bucket import NS_PER_MS, NS_PER_S, Bucket, Plan
from tasks.simulator.envelope import Envelope
from tasks.simulator.market import rng

if TYPE_CHECKING:
    from tasks.simulator.clock import ServerClock
    from tasks.simulator.config import SimulatorConfig

Json = dict[str, object]
_LOG_LENGTH: Final = 1_000
TOO_MANY: Final = 429


class CallRecord(NamedTuple):
    """One call, as the log keeps it."""

    at_ms: int
    endpoint: str
    status: int
    consumed: int
    tokens_left: int
    asins: list[str] | None = None
    page: int | None = None
    fault: str | None = None


class Account:
    """The token bucket, safe for several threads. A reply's balance and timestamp are taken in one step."""

    def __init__(self, config: SimulatorConfig, clock: ServerClock) -> None:
        self._clock = clock
        self._reduction = config.token_flow_reduction
        self._lock = threading.Lock()
        self._calls: dict[str, Counter[int]] = {}
        self._log: deque[CallRecord] = deque(maxlen=_LOG_LENGTH)
        plan = Plan(
            rate=config.rate,
            capacity_ticks=config.capacity_ticks,
            tick_period_ns=round(config.tick_s * NS_PER_S),
            tick_jitter_ns=round(config.tick_jitter_s * NS_PER_S),
            seed=config.seed,
        )
        self._bucket = Bucket(plan, first_tick_ns=_first_tick_ns(plan, config, clock), start=config.start_balance)

    def is_admitting(self) -> bool:
        """Whether a call that arrives now is let in."""
        with self._lock:
            self._bucket.advance(self._clock.now_ns())
            return self._bucket.is_admitting

    def charge(self, tokens: int, *, begun_ns: int | None = None) -> Envelope:
        """Charge a call whose work is done; what its reply says of the account."""
        with self._lock:
            now_ns = self._clock.now_ns()
            bucket = self._bucket
            bucket.advance(now_ns)
            bucket.charge(tokens)
            return Envelope(
                timestamp=now_ns // 1_000_000,
                processing_ms=0 if begun_ns is None else max(0, now_ns - begun_ns) // 1_000_000,
                refill_in_ms=bucket.refill_in_ms(now_ns),
                refill_rate=bucket.plan.rate,
                token_flow_reduction=self._reduction,
                tokens_consumed=tokens,
                tokens_left=bucket.balance,
            )

    def record(self, call: CallRecord) -> None:
        """Add a call to the log and to the counts."""
        with self._lock:
            self._calls.setdefault(call.endpoint, Counter())[call.status] += 1
            self._log.append(call)

    def change(self, *, rate: int | None = None, balance: int | None = None, take: int | None = None) -> None:
        """Change the plan, the balance, or spend as another user of the key would."""
        with self._lock:
            self._bucket.advance(self._clock.now_ns())
            if rate is not None:
                self._bucket.set_rate(rate)
            if balance is not None:
                self._bucket.set_balance(balance)
            if take is not None:
                self._bucket.take(take)

    def report(self) -> Json:
        """The state of everything, for `/control`."""
        with self._lock:
            now_ns, bucket = self._clock.now_ns(), self._bucket
            bucket.advance(now_ns)
            return {
                "now_ms": now_ns // NS_PER_MS,
                "bucket": {
                    "balance": bucket.balance,
                    "rate": bucket.plan.rate,
                    "capacity": bucket.plan.capacity,
                    "tick_period_s": bucket.plan.tick_period_ns / NS_PER_S,
                    "next_tick_in_s": (bucket.next_tick_ns - now_ns) / NS_PER_S,
                    "start": bucket.start,
                },
                "spent": bucket.spent,
                "taken": bucket.taken,
                "refilled": bucket.refilled,
                "expired": bucket.expired,
                "lowest_balance": bucket.lowest,
                "refused_429": sum(counts[TOO_MANY] for counts in self._calls.values()),
                "calls": {
                    endpoint: {str(status): count for status, count in counts.items()}
                    for endpoint, counts in self._calls.items()
                },
                "log": [
                    {name: value for name, value in call._asdict().items() if value is not None} for call in self._log
                ],
            }


def _first_tick_ns(plan: Plan, config: SimulatorConfig, clock: ServerClock) -> int:
    """When the first tick falls: as configured, or on the account's own grid, which a restart does not move."""
    now_ns, period = clock.now_ns(), plan.tick_period_ns
    if config.phase_s is not None:
        return now_ns + round(config.phase_s * NS_PER_S)
    phase = round(rng.share(plan.seed, "phase") * period)
    return now_ns + period - (now_ns - phase) % period

"""The account's token bucket as the server keeps it: the oracle of every token test.

Tokens and nanoseconds are integers, so that conservation is an equality at every moment:
`start + refilled == balance + spent + taken + expired`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

NS_PER_MS: Final = 1_000_000
NS_PER_S: Final = 1_000_000_000
TICK_PERIOD_NS: Final = 60_208_000_000  # nominally a minute; recorded readings fit 60.208 s
CAPACITY_TICKS: Final = 60  # tokens expire after an hour's worth of ticks
SHORTEST_REFILL_IN_MS: Final = 522  # the least `refillIn` ever recorded, seen three times


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the account pays for, and how its ticks fall."""

    rate: int = 5
    capacity_ticks: int = CAPACITY_TICKS
    tick_period_ns: int = TICK_PERIOD_NS
    tick_jitter_ns: int = 0
    seed: int = 1

    @property
    def capacity(self) -> int:
        """The most tokens refill can bring together."""
        return self.capacity_ticks * self.rate

    def tick_at_ns(self, origin_ns: int, number: int) -> int:
        """When tick `number` falls; the jitter never puts two ticks out of order."""
        at = origin_ns + number * self.tick_period_ns
        spread = min(self.tick_jitter_ns, self.tick_period_ns // 3)
        if spread == 0:
            return at
        draw = hashlib.blake2b(b"tick:%d:%d" % (self.seed, number), digest_size=8).digest()
        return at + int.from_bytes(draw, "little") % (2 * spread + 1) - spread


class Bucket:
    """One account's balance: refilled in lumps, charged in full, never protected from debt."""

    __slots__ = (
        "_number",
        "_origin_ns",
        "balance",
        "expired",
        "lowest",
        "next_tick_ns",
        "plan",
        "refilled",
        "spent",
        "start",
        "taken",
    )

    def __init__(self, plan: Plan, *, first_tick_ns: int, start: int | None = None) -> None:
        self.plan = plan
        self.start = plan.capacity if start is None else start
        self.balance = self.start
        self.lowest = self.start
        self.refilled = self.spent = self.taken = self.expired = 0
        self._origin_ns = first_tick_ns
        self._number = 0
        self.next_tick_ns = plan.tick_at_ns(first_tick_ns, 0)

    @property
    def is_admitting(self) -> bool:
        """Whether a call arriving now is let in: above 0, whatever it will cost."""
        return self.balance > 0

    def advance(self, now_ns: int) -> None:
        """Apply the ticks due by `now_ns`. Ticks go on when the bucket is full; what does not fit expires."""
        while now_ns >= self.next_tick_ns:
            self._number += 1
            self.next_tick_ns = self.plan.tick_at_ns(self._origin_ns, self._number)
            grown = self.balance + self.plan.rate
            self.refilled += self.plan.rate
            self.balance = min(self.plan.capacity, grown)
            self.expired += grown - self.balance

    def charge(self, tokens: int) -> None:
        """Take the full cost of a call, into debt if need be."""
        self.spent += tokens
        self._drop(tokens)

    def take(self, tokens: int) -> None:
        """Take tokens as another user of the same key would."""
        self.taken += tokens
        self._drop(tokens)

    def set_balance(self, tokens: int) -> None:
        """Begin the account anew at `tokens`; the totals stay, the start moves with the balance."""
        self.start += tokens - self.balance
        self.balance = tokens
        self.lowest = min(self.lowest, tokens)

    def set_rate(self, rate: int) -> None:
        """Change the plan. The balance stays; the next tick brings the new rate and the new capacity."""
        self.plan = Plan(
            rate=rate,
            capacity_ticks=self.plan.capacity_ticks,
            tick_period_ns=self.plan.tick_period_ns,
            tick_jitter_ns=self.plan.tick_jitter_ns,
            seed=self.plan.seed,
        )

    def refill_in_ms(self, now_ns: int) -> int:
        """Milliseconds to the next tick, rounded up, never below the floor the real server shows.

        The floor shrinks with the period, so that it is true of a server with fast ticks too.
        """
        floor = SHORTEST_REFILL_IN_MS * min(self.plan.tick_period_ns, TICK_PERIOD_NS) // TICK_PERIOD_NS
        return max(floor, -(-(self.next_tick_ns - now_ns) // NS_PER_MS))

    def _drop(self, tokens: int) -> None:
        self.balance -= tokens
        self.lowest = min(self.lowest, self.balance)

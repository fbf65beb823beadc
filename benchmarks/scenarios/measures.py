"""What a run is judged by, collected as it goes."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks.scenarios.engine import NS_PER_S

UPSERT, BACKFILL = "upsert", "backfill"
Point = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The figures of one run; times in seconds, tokens in tokens."""

    delay_p50_s: float
    delay_p99_s: float
    delay_max_s: float
    details_part: float  # of the details wanted, those fetched
    upsert_part: float  # of the refill
    backfill_part: float
    backfill_gap_s: float
    utilisation: float  # tokens spent, of those there were: start and refill
    expired: int
    expired_waiting: int  # while somebody waited for tokens
    at_zero_part: float  # of the time at or below zero
    refused: int
    lowest: int
    end_balance: int


@dataclass(slots=True, kw_only=True)
class Story:
    """What happened when, for the pictures: nanoseconds since the start, and a number each."""

    balance: list[Point] = field(default_factory=list)
    details: list[Point] = field(default_factory=list)
    history: list[Point] = field(default_factory=list)
    waits: list[Point] = field(default_factory=list)  # of upsert's pages: begin and end


class Recorder:
    """Takes down one run that begins at `start_ns`; with `story`, for the pictures as well."""

    def __init__(self, start_ns: int, balance: int, *, story: Story | None = None) -> None:
        self._start_ns = self._changed_ns = start_ns
        self._start_balance = self._balance = self._lowest = balance
        self._expired = self._expired_waiting = 0
        self._at_zero_ns = 0
        self._delays_ns: list[int] = []
        self._backfill_ns = start_ns
        self._gap_ns = 0
        self._spent = {UPSERT: 0, BACKFILL: 0}
        self._refused = 0
        self.wanted_details = self.got_details = 0
        self.waiting: set[str] = set()
        self.story = story

    def balance(self, now_ns: int, balance: int, expired: int) -> None:
        """The server's balance and what has expired in all, after a change."""
        if self._balance <= 0:
            self._at_zero_ns += now_ns - self._changed_ns
        if self.waiting:
            self._expired_waiting += expired - self._expired
        self._changed_ns, self._balance, self._expired = now_ns, balance, expired
        self._lowest = min(self._lowest, balance)
        if self.story is not None:
            self.story.balance.append((now_ns - self._start_ns, balance))

    def page(self, wanted_ns: int, granted_ns: int) -> None:
        """Upsert wanted a page and was let go for it."""
        self._delays_ns.append(granted_ns - wanted_ns)
        if self.story is not None:
            self.story.waits.append((wanted_ns - self._start_ns, granted_ns - self._start_ns))

    def backfill(self, now_ns: int) -> None:
        """The backfill was let go for a batch."""
        self._gap_ns = max(self._gap_ns, now_ns - self._backfill_ns)
        self._backfill_ns = now_ns

    def spent(self, tier: str, tokens: int) -> None:
        """A call was charged."""
        self._spent[tier] += tokens

    def details(self, now_ns: int, items: int) -> None:
        """So many details of deals have arrived."""
        self.got_details += items
        if self.story is not None:
            self.story.details.append((now_ns - self._start_ns, items))

    def history(self, now_ns: int, items: int) -> None:
        """So many products' histories have arrived."""
        if self.story is not None:
            self.story.history.append((now_ns - self._start_ns, items))

    def refused(self) -> None:
        """The server answered 429."""
        self._refused += 1

    def result(self, now_ns: int, refilled: int, expired: int) -> Result:
        """The figures at the end of the run."""
        self.balance(now_ns, self._balance, expired)
        self.backfill(now_ns)
        delays = sorted(self._delays_ns)
        spent = sum(self._spent.values())
        return Result(
            delay_p50_s=quantile(delays, 0.5) / NS_PER_S,
            delay_p99_s=quantile(delays, 0.99) / NS_PER_S,
            delay_max_s=(delays[-1] if delays else 0) / NS_PER_S,
            details_part=self.got_details / self.wanted_details if self.wanted_details else 1.0,
            upsert_part=self._spent[UPSERT] / refilled,
            backfill_part=self._spent[BACKFILL] / refilled,
            backfill_gap_s=self._gap_ns / NS_PER_S,
            utilisation=spent / (self._start_balance + refilled),
            expired=expired,
            expired_waiting=self._expired_waiting,
            at_zero_part=self._at_zero_ns / (now_ns - self._start_ns),
            refused=self._refused,
            lowest=self._lowest,
            end_balance=self._balance,
        )


def quantile(ordered: list[int], part: float) -> int:
    """The value below which `part` of the ordered values lie; 0 of none."""
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0

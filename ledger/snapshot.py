"""What the ledger looked like at one moment, in tokens and seconds: the public record of the book."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from ledger import bucket, costs, gates, journal
from ledger.book import COMMITTED, MT, PPM, Book
from ledger.clock import NS_PER_S
from ledger.view import View

if TYPE_CHECKING:
    from collections.abc import Sequence

FORMAT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketRecord:
    """The bucket. Tokens; seconds."""

    balance: float
    capacity: float
    refill_rate: float
    tick_period_s: float
    next_tick_in_s: float | None
    synced_age_s: float | None
    drift: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TierRecord:
    """One tier. `open` and `opens_in_s` speak of its oldest request, or of a single token when none waits."""

    name: str
    floor: float
    share: float
    earmark: float
    open: bool
    opens_in_s: float | None
    waiting: int
    in_flight: float
    granted: int
    spent: float
    waited_s: float
    longest_wait_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRecord:
    """One open lease."""

    id: int
    tier: str
    owner_pid: int
    cost: float
    state: str
    age_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiterRecord:
    """One waiting request: who waits for what, since when, until when (None: only an event can tell)."""

    tier: str
    owner_pid: int
    cost: float
    waited_s: float
    opens_in_s: float | None
    latest_in_s: float | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalsRecord:
    """Sums since the ledger began: `credited + drift = balance + spent + expired`."""

    credited: float
    spent: float
    expired: float
    refunded: float
    refused_429: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRecord:
    """What an item of a shape costs: mean, and what is reserved for a single one."""

    shape: str
    mean: float
    high: float
    samples: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRecord:
    """One event."""

    sequence: int
    at: str
    event: str
    tier: str | None
    tokens: float
    balance: float
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The whole ledger at one moment."""

    format: int
    sequence: int
    generated_at: str
    synced: bool
    bucket: BucketRecord
    tiers: tuple[TierRecord, ...]
    leases: tuple[LeaseRecord, ...]
    waiters: tuple[WaiterRecord, ...]
    totals: TotalsRecord
    costs: tuple[CostRecord, ...]
    journal: tuple[JournalRecord, ...]

    def to_json(self) -> dict[str, Any]:
        """The same as plain dicts and lists, ready for a JSON encoder."""
        return asdict(self)


def take(book: Book, entries: Sequence[journal.Entry], now_ns: int, wall: datetime) -> Snapshot:
    """The snapshot of `book` at `now_ns`, which is `wall` by the wall clock."""
    view = View(book)
    gates.advance(view, now_ns)
    ticks = bucket.ticks_due(book, now_ns)
    balance = bucket.balance_after(book, ticks)
    gained = ticks * book.rate_mt
    return Snapshot(
        format=FORMAT,
        sequence=book.sequence,
        generated_at=wall.isoformat(timespec="milliseconds"),
        synced=bool(book.synced),
        bucket=BucketRecord(
            balance=balance / MT,
            capacity=bucket.capacity_mt(book) / MT,
            refill_rate=book.rate_mt / MT,
            tick_period_s=book.period_ns / NS_PER_S,
            next_tick_in_s=_seconds(bucket.tick_at_ns(book, ticks + 1) - now_ns) if book.synced else None,
            synced_age_s=_seconds(now_ns - book.synced_ns) if book.synced else None,
            drift=book.drift_mt / MT,
        ),
        tiers=tuple(_tier(view, i, now_ns) for i in range(book.tier_count)),
        leases=tuple(_lease(view, i, now_ns) for i in range(book.lease_count)),
        waiters=tuple(_waiter(view, i, now_ns) for i in range(book.waiter_count)),
        totals=TotalsRecord(
            credited=(book.credited_mt + gained) / MT,
            spent=book.spent_mt / MT,
            expired=(book.expired_mt + book.balance_mt + gained - balance) / MT,
            refunded=book.refunded_mt / MT,
            refused_429=book.refused,
        ),
        costs=tuple(
            CostRecord(
                shape=shape.name.decode(),
                mean=round(shape.mean, 3),
                high=round(costs.high(shape, 1), 3),
                samples=shape.samples,
            )
            for shape in view.shapes[: book.shape_count]
        ),
        journal=tuple(_entry(view, entry, now_ns, wall) for entry in entries),
    )


def _seconds(span_ns: int) -> float:
    return round(span_ns / NS_PER_S, 3)


def _until(at_ns: int | None, now_ns: int) -> float | None:
    return None if at_ns is None else max(0.0, _seconds(at_ns - now_ns))


def _tier(view: View, index: int, now_ns: int) -> TierRecord:
    book, tier = view.book, view.tiers[index]
    oldest = gates.head(view, index)
    cost_mt = view.waiters[oldest].cost_mt if oldest >= 0 else MT
    is_open = bool(book.synced) and gates.is_open(view, index, cost_mt, now_ns)
    wait = gates.wait_for(view, index, cost_mt, now_ns)
    mine = [lease for lease in view.leases[: book.lease_count] if lease.tier == index]
    return TierRecord(
        name=tier.name.decode(),
        floor=gates.floor_mt(view, index) / MT,
        share=tier.share_ppm / PPM,
        earmark=tier.earmark_mt / MT,
        open=is_open,
        opens_in_s=0.0 if is_open else _until(wait.until_ns, now_ns),
        waiting=sum(waiter.tier == index for waiter in view.waiters[: book.waiter_count]),
        in_flight=sum(lease.cost_mt for lease in mine) / MT,
        granted=tier.granted,
        spent=tier.spent_mt / MT,
        waited_s=_seconds(tier.waited_ns),
        longest_wait_s=_seconds(tier.longest_wait_ns),
    )


def _lease(view: View, index: int, now_ns: int) -> LeaseRecord:
    lease = view.leases[index]
    return LeaseRecord(
        id=lease.id,
        tier=view.tiers[lease.tier].name.decode(),
        owner_pid=lease.owner_pid,
        cost=lease.cost_mt / MT,
        state="committed" if lease.state == COMMITTED else "reserved",
        age_s=_seconds(now_ns - lease.at_ns),
    )


def _waiter(view: View, index: int, now_ns: int) -> WaiterRecord:
    waiter = view.waiters[index]
    older = [w for w in view.waiters[: view.book.waiter_count] if w.tier == waiter.tier and w.ticket < waiter.ticket]
    wait = gates.wait_for(view, waiter.tier, waiter.cost_mt, now_ns, sum(w.cost_mt for w in older))
    return WaiterRecord(
        tier=view.tiers[waiter.tier].name.decode(),
        owner_pid=waiter.owner_pid,
        cost=waiter.cost_mt / MT,
        waited_s=_seconds(now_ns - waiter.since_ns),
        opens_in_s=_until(wait.until_ns, now_ns),
        latest_in_s=_until(wait.latest_ns, now_ns),
        reason=wait.reason,
    )


def _entry(view: View, entry: journal.Entry, now_ns: int, wall: datetime) -> JournalRecord:
    at = wall - timedelta(seconds=(now_ns - entry.at_ns) / NS_PER_S)
    return JournalRecord(
        sequence=entry.sequence,
        at=at.astimezone(UTC).isoformat(timespec="milliseconds"),
        event=entry.event.name.lower(),
        tier=None if entry.tier == journal.NO_TIER else view.tiers[entry.tier].name.decode(),
        tokens=entry.tokens_mt / MT,
        balance=entry.balance_mt / MT,
        pid=entry.pid,
    )

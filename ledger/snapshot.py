"""The ledger at one moment, taken from a copy of its book."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.model import bucket, budgets, costs, floors, gates, waits
from ledger.model.book import MT, PPM, Book
from ledger.model.entries import COMMITTED
from ledger.model.view import View
from ledger.snapshot_records import (
    FORMAT,
    BucketRecord,
    CostRecord,
    History,
    LeaseRecord,
    Snapshot,
    Standing,
    TierRecord,
    TotalsRecord,
    WaiterRecord,
)
from ledger.types import NS_PER_S, Hours

if TYPE_CHECKING:
    from datetime import datetime

    from ledger.model.journal import Journal


def take_snapshot(book: Book, journal: Journal, now_ns: int, wall: datetime) -> Snapshot:
    """The snapshot of `book` and its journal at `now_ns`, which is `wall` by the wall clock."""
    view = View(book, is_whole=False)
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
            aside_in_a_row=book.aside_in_a_row,
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
            set_aside=book.aside_count,
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
        history=History(
            events=journal,
            now_ns=now_ns,
            wall=wall,
            tiers=tuple(tier.name.decode() for tier in view.tiers),
        ),
    )


def standing(book: Book, now_ns: int) -> Standing:
    """How well the book knows the balance."""
    return Standing(
        tick_s=book.period_ns / NS_PER_S,
        believed_age_s=_seconds(now_ns - book.synced_ns) if book.synced else None,
        aside_in_a_row=book.aside_in_a_row,
        asks=book.asks,
        server_ms=book.server_ms + (now_ns - book.synced_ns) * 1000 // NS_PER_S if book.synced else None,
    )


def _seconds(span_ns: int) -> float:
    return round(span_ns / NS_PER_S, 3)


def _until(at_ns: int | None, now_ns: int) -> float | None:
    return None if at_ns is None else max(0.0, _seconds(at_ns - now_ns))


def _tier(view: View, index: int, now_ns: int) -> TierRecord:
    book, tier = view.book, view.tiers[index]
    budgets.roll(view, index, now_ns)
    oldest = gates.oldest_waiter(view, index)
    cost_mt = view.waiters[oldest].cost_mt if oldest >= 0 else MT
    is_open = bool(book.synced) and gates.is_open(view, index, cost_mt, now_ns)
    wait = waits.wait_for(view, index, cost_mt, now_ns)
    mine = [lease for lease in view.leases[: book.lease_count] if lease.tier == index]
    return TierRecord(
        name=tier.name.decode(),
        floor=floors.floor_mt(tier, book.rate_mt) / MT,
        share=tier.share_ppm / PPM,
        earmark=gates.earmark_mt(view, index) / MT,
        open=is_open,
        opens_in_s=0.0 if is_open else _until(wait.until_ns, now_ns),
        waiting=sum(waiter.tier == index for waiter in view.waiters[: book.waiter_count]),
        in_flight=sum(lease.cost_mt for lease in mine) / MT,
        granted=tier.granted,
        spent=tier.spent_mt / MT,
        waited_s=_seconds(tier.waited_ns),
        longest_wait_s=_seconds(tier.longest_wait_ns),
        tokens_per_day=tier.budget_mt / MT if tier.budget_mt else None,
        spent_today=tier.day_spent_mt / MT,
        hours=str(Hours(tier.opens_min, tier.closes_min)) if tier.opens_min != tier.closes_min else None,
        barred=budgets.bar(view, index, cost_mt, now_ns) or None,
        day_ends_in_s=_until(budgets.day_ends_ns(book, now_ns), now_ns) if tier.budget_mt else None,
        hours_change_in_s=_until(budgets.hours_change_ns(view, index, now_ns), now_ns),
    )


def _lease(view: View, index: int, now_ns: int) -> LeaseRecord:
    lease = view.leases[index]
    return LeaseRecord(
        id=lease.id,
        tier=view.tiers[lease.tier].name.decode(),
        owner_pid=lease.owner_pid,
        owner_host=lease.owner_host,
        cost=lease.cost_mt / MT,
        state="committed" if lease.state == COMMITTED else "reserved",
        age_s=_seconds(now_ns - lease.at_ns),
    )


def _waiter(view: View, index: int, now_ns: int) -> WaiterRecord:
    waiter = view.waiters[index]
    older = [w for w in view.waiters[: view.book.waiter_count] if w.tier == waiter.tier and w.ticket < waiter.ticket]
    wait = waits.wait_for(view, waiter.tier, waiter.cost_mt, now_ns, [w.cost_mt for w in older])
    return WaiterRecord(
        tier=view.tiers[waiter.tier].name.decode(),
        owner_pid=waiter.owner_pid,
        owner_host=waiter.owner_host,
        cost=waiter.cost_mt / MT,
        waited_s=_seconds(now_ns - waiter.since_ns),
        opens_in_s=_until(wait.until_ns, now_ns),
        latest_in_s=_until(wait.latest_ns, now_ns),
        reason=wait.reason,
    )

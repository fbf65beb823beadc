"""What is known of each of several keys: its pool, its ledger, and why the API refuses it if it does. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger.localtime import near

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ledger import Snapshot
    from supervisor.process.conditions import ConditionRecord
    from supervisor.report import KeyRecord, Report


class KeyView(NamedTuple):
    """One key. `snapshot` is None when its ledger cannot be read; `refusal` when the API serves the key."""

    name: str
    pool: str
    snapshot: Snapshot | None
    refusal: ConditionRecord | None


def views(
    records: tuple[KeyRecord, ...], snapshots: Mapping[str, Snapshot | None], last: Report | None
) -> tuple[KeyView, ...]:
    """Each of several keys."""
    conditions = () if last is None else last.conditions
    refusals = {one.kind: one for one in conditions}
    return tuple(
        KeyView(one.name, one.pool, snapshots.get(one.name), refusals.get(f"key {one.name}")) for one in records
    )


def as_json(one: KeyView) -> dict[str, Any]:
    """One key for programs."""
    refusal = one.refusal
    return {
        "name": one.name,
        "pool": one.pool,
        "refused": None if refusal is None else {"since": refusal.since, "why": refusal.why},
        "ledger": None if one.snapshot is None else one.snapshot.to_json(),
    }


def as_text(keys: tuple[KeyView, ...], now: datetime) -> Iterator[str]:
    """A line for each key."""
    for one in keys:
        pool = f", pool {one.pool}" if one.pool else ""
        if one.refusal is not None:
            since = near(datetime.fromisoformat(one.refusal.since), now)
            yield f"key     {one.name}{pool}: refused since {since}: {one.refusal.why}"
        elif one.snapshot is None:
            yield f"key     {one.name}{pool}: its ledger cannot be read"
        elif not one.snapshot.synced:
            yield f"key     {one.name}{pool}: no reading from the server yet"
        else:
            bucket = one.snapshot.bucket
            spent = sum(tier.spent for tier in one.snapshot.tiers)
            yield (
                f"key     {one.name}{pool}: {bucket.balance:g} of {bucket.capacity:g} tokens, +{bucket.refill_rate:g} "
                f"every {bucket.tick_period_s:.1f} s, spent {spent:g}, drift {bucket.drift:g}"
            )

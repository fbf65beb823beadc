"""What is known of each of several keys: its pool, its ledger, and why the API refuses it if it does. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from ledger.dump import describe_rules
from ledger.localtime import near
from ledger.snapshot_records import SnapshotRecord
from supervisor.report import OF_KEY
from supervisor.status import formatting
from tasks.planning.soonest_key import Payer, soonest
from tasks.roles import INTERACTIVE, ROLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ledger import Snapshot
    from supervisor.process.conditions import ConditionRecord
    from supervisor.report import KeyRecord, Report

UNREADABLE: Final = "its ledger cannot be read"
UNSYNCED: Final = "no reading from the server yet"


class KeyView(NamedTuple):
    """One key. `snapshot` is None when its ledger cannot be read; `refusal` when the API serves the key."""

    name: str
    pool: str
    snapshot: Snapshot | None
    refusal: ConditionRecord | None


class KeyRefusal(msgspec.Struct, frozen=True, kw_only=True):
    """Since when the API refuses a key, and why."""

    since: str
    why: str


class KeyOutput(msgspec.Struct, frozen=True, kw_only=True):
    """One of several keys: `refused` is null while the API serves it, `ledger` when it cannot be read."""

    name: str
    pool: str
    refused: KeyRefusal | None
    ledger: SnapshotRecord | None


def views(
    records: tuple[KeyRecord, ...], snapshots: Mapping[str, Snapshot | None], last: Report | None
) -> tuple[KeyView, ...]:
    """Each of several keys."""
    conditions = () if last is None else last.conditions
    refusals = {one.kind: one for one in conditions}
    return tuple(
        KeyView(one.name, one.pool, snapshots.get(one.name), refusals.get(f"{OF_KEY}{one.name}")) for one in records
    )


def for_programs(one: KeyView) -> KeyOutput:
    """One key for programs."""
    refusal = one.refusal
    return KeyOutput(
        name=one.name,
        pool=one.pool,
        refused=None if refusal is None else KeyRefusal(since=refusal.since, why=refusal.why),
        ledger=None if one.snapshot is None else one.snapshot.record(),
    )


def fault(one: KeyView, now: datetime) -> str | None:
    """Why no tokens of the key are known or spent, None when they are: it is refused, or its ledger has no balance."""
    if one.refusal is not None:
        return f"refused since {near(datetime.fromisoformat(one.refusal.since), now)}: {one.refusal.why}"
    if one.snapshot is None:
        return UNREADABLE
    return None if one.snapshot.synced else UNSYNCED


def gates(snapshot: Snapshot) -> str:
    """The gates of the two jobs in words, such as `upsert open, backfill opens in 12 s`."""
    return ", ".join(f"{tier.name} {formatting.gate(tier)}" for tier in snapshot.tiers if tier.name in ROLES)


def as_text(keys: Sequence[KeyView], now: datetime) -> Iterator[str]:
    """A line for each key, and below it one for each of its tiers that has a budget or hours."""
    for one in keys:
        named = f"key     {one.name}" + (f", pool {one.pool}" if one.pool else "")
        words, snapshot = fault(one, now), one.snapshot
        if words is not None or snapshot is None:
            yield f"{named}: {words}"
            continue
        bucket = snapshot.bucket
        spent = sum(tier.spent for tier in snapshot.tiers)
        yield (
            f"{named}: {bucket.balance:g} of {bucket.capacity:g} tokens, +{bucket.refill_rate:g} "
            f"every {bucket.tick_period_s:.1f} s, spent {spent:g}, drift {bucket.drift:g}; {gates(snapshot)}"
        )
        yield from (f"    {tier.name} {rules}" for tier in snapshot.tiers if (rules := describe_rules(tier)))


def in_short(keys: Sequence[KeyView], now: datetime) -> Iterator[str]:
    """A few words for each key, for a line that has them all."""
    for one in keys:
        if one.refusal is not None:
            yield f"{one.name} refused"
        elif fault(one, now) is None and one.snapshot is not None:
            yield f"{one.name} {one.snapshot.bucket.balance:g} of {one.snapshot.bucket.capacity:g} tokens"
        else:
            yield f"{one.name} not known"


def paying(keys: Sequence[KeyView], tokens: Callable[[Snapshot | None], float]) -> KeyView:
    """The key that pays for a person's request: of those in the pool of the first the one that can soonest.

    `tokens` says what a key would pay, by its ledger.
    """
    pool = [one for one in keys if one.pool == keys[0].pool]
    payers = [Payer(one.name, one.snapshot, tokens(one.snapshot), is_refused=one.refusal is not None) for one in pool]
    name = soonest(payers, INTERACTIVE)
    return next(one for one in pool if one.name == name)

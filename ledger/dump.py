"""A snapshot as text for people and as JSON for programs."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Final

from ledger.bar import draw_bucket
from ledger.durations import format_duration, format_elapsed
from ledger.localtime import clock_of, day

if TYPE_CHECKING:
    from ledger.snapshot_records import BucketRecord, JournalRecord, Snapshot, TierRecord, WaiterRecord

_BAR_WIDTH: Final = 40
_JOURNAL_LINES: Final = 12
_REASONS: Final = {
    "unsynced": "until the first reading",
    "floor": "because of its floor",
    "queue": "behind older requests",
    "in flight": "until open calls end",
    "hours": "outside its hours",
    "budget": "because its tokens of today are spent",
}


def as_json(snapshot: Snapshot) -> str:
    """The snapshot as one JSON object, indented."""
    return json.dumps(snapshot.to_json(), indent=2)


def as_text(snapshot: Snapshot) -> str:
    """The snapshot as a table of at most 100 columns: bucket, tiers, waiters, open calls, costs, last events."""
    parts = [
        _bucket(snapshot),
        _tiers(snapshot),
        _waiters(snapshot.waiters),
        _leases(snapshot),
        _totals(snapshot),
        _costs(snapshot),
        _journal(snapshot),
    ]
    return "\n".join(part for part in parts if part)


def within(seconds: float) -> str:
    """When something will be: `in 2 s` or `now`."""
    return f"in {format_duration(seconds)}" if round(seconds) > 0 else "now"


def _bucket(snapshot: Snapshot) -> str:
    bucket: BucketRecord = snapshot.bucket
    head = f"ledger, sequence {snapshot.sequence}, {_moment(snapshot.generated_at)}"
    if bucket.synced_age_s is None or bucket.next_tick_in_s is None:
        doubts = f"; {bucket.aside_in_a_row} readings were not believed" if bucket.aside_in_a_row else ""
        return f"{head}\nno reading from the server yet: the balance is unknown and nobody may spend{doubts}"
    drift = "none" if not bucket.drift else f"{bucket.drift:+g} tokens: another program uses this key"
    return (
        f"{head}\n"
        f"balance   {bucket.balance:g} of {bucket.capacity:g}  [{draw_bucket(snapshot, _BAR_WIDTH)}]\n"
        f"refill    {bucket.refill_rate:g} every {bucket.tick_period_s:.2f} s, next {within(bucket.next_tick_in_s)}\n"
        f"last reading {format_elapsed(bucket.synced_age_s)} ago, drift {drift}"
        + (f"\n{bucket.aside_in_a_row} readings since then were not believed" if bucket.aside_in_a_row else "")
    )


def _moment(text: str) -> str:
    return f"{day(datetime.fromisoformat(text))} {clock_of(text)}"


def _tiers(snapshot: Snapshot) -> str:
    rows = [
        "",
        (
            f"{'tier':<12}{'floor':>8}{'share':>7}{'earmark':>9}  {'gate':<14}"
            f"{'in flight':>10}{'granted':>9}{'spent':>10}{'waited':>14}"
        ),
    ]
    rows += [
        f"{t.name:<12}{_floor(t, snapshot):>8}{t.share:>7.0%}{t.earmark:>9.1f}  {_gate(t):<14}{t.in_flight:>10g}"
        f"{t.granted:>9}{t.spent:>10g}{format_elapsed(t.waited_s) if t.waited_s else '-':>14}"
        for t in snapshot.tiers
    ]
    return "\n".join([*rows, *(f"{t.name} {rules}" for t in snapshot.tiers if (rules := describe_rules(t)))])


def describe_rules(tier: TierRecord) -> str:
    """What a tier has spent of its tokens of today, and its hours; empty without such rules."""
    rules = []
    if tier.tokens_per_day is not None:
        rules.append(f"has spent {tier.spent_today:g} of {tier.tokens_per_day:g} tokens today (UTC)")
    if tier.hours is not None:
        rules.append(f"spends at {tier.hours} UTC only")
    return ", ".join(rules)


def _floor(tier: TierRecord, snapshot: Snapshot) -> str:
    """The floor in tokens, or `-` before the first reading: it is at most a part of the capacity, not known by then."""
    return f"{tier.floor:g}" if snapshot.synced else "-"


def _gate(tier: TierRecord) -> str:
    return "open" if tier.open else within(tier.opens_in_s) if tier.opens_in_s is not None else "closed"


def _waiters(waiters: tuple[WaiterRecord, ...]) -> str:
    if not waiters:
        return "\nnobody waits"
    return "\n" + "\n".join(_waiter(waiter) for waiter in waiters)


def _waiter(waiter: WaiterRecord) -> str:
    """Who waits for what and why; in a second line when it gets the tokens, as far as more than an event can tell."""
    since, why = format_elapsed(waiter.waited_s), _REASONS[waiter.reason]
    who = f"{waiter.tier} ({_process(waiter.owner_host, waiter.owner_pid)})"
    waits = f"{who} has waited {since} for {waiter.cost:g} tokens {why}"
    moments = []
    if waiter.opens_in_s is not None:
        moments.append(f"{within(waiter.opens_in_s)} if nobody else acts")
    if waiter.latest_in_s is not None:
        moments.append(f"at the latest {within(waiter.latest_in_s)}")
    return f"{waits};\n  it gets them {', '.join(moments)}" if moments else waits


def _process(host: int, pid: int) -> str:
    """The owner of something, with its host where there are several."""
    return f"host {host}, pid {pid}" if host else f"pid {pid}"


def _leases(snapshot: Snapshot) -> str:
    return "\n".join(
        f"{lease.tier} ({_process(lease.owner_host, lease.owner_pid)}) holds {lease.cost:g} tokens, {lease.state}, "
        f"for {format_elapsed(lease.age_s)}"
        for lease in snapshot.leases
    )


def _totals(snapshot: Snapshot) -> str:
    t, b = snapshot.totals, snapshot.bucket
    return (
        f"\ncredited {t.credited:g} + drift {b.drift:g} = balance {b.balance:g} + spent {t.spent:g}"
        f" + expired {t.expired:g}; given back {t.refunded:g}; refused (429) {t.refused_429}"
        + (f"; numbers that were not believed {t.set_aside}" if t.set_aside else "")
    )


def _costs(snapshot: Snapshot) -> str:
    return "\n".join(
        f"cost of {c.shape}: {c.mean:.2f} an item {_source(c.samples)}, {c.high:.2f} reserved for one"
        for c in snapshot.costs
    )


def _source(samples: int) -> str:
    """Where the mean cost of an item comes from."""
    if not samples:
        return "assumed"
    return f"on average of {samples} {'sample' if samples == 1 else 'samples'}"


def _journal(snapshot: Snapshot) -> str:
    if not snapshot.journal:
        return ""
    rows = [
        f"{clock_of(e.at, has_ms=True)}  {e.event:<14}{e.tier or '':<12}{e.tokens:>+9g}{e.balance:>10g}  {_number(e)}"
        for e in snapshot.journal[-_JOURNAL_LINES:]
    ]
    return "\nlast events: time, event, tier, tokens, balance, pid\n" + "\n".join(rows)


def _number(event: JournalRecord) -> str:
    """The pid of an event, behind the number of its host where there are several; empty when it has none."""
    if not event.pid:
        return ""
    return f"{event.host}/{event.pid}" if event.host else str(event.pid)

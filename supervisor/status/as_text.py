"""The status as plain text, without colours, for a pipe, a file or a terminal of 80 columns."""

from __future__ import annotations

import textwrap
from datetime import datetime
from typing import TYPE_CHECKING, Final

from ledger.bar import draw_bar, draw_bucket
from ledger.dump import describe_rules
from ledger.durations import format_duration
from ledger.localtime import clock, near
from supervisor.status import formatting, keys
from supervisor.status.as_json import progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ledger import Snapshot
    from supervisor.count_record import CountRecord
    from supervisor.report import ChildRecord, Report
    from supervisor.status.status import Status

WIDTH: Final = 100
_DEATHS: Final = 3
_FAULTS: Final = 3
_BAR: Final = 24
_GATE: Final = 8


def as_text(status: Status, now: datetime, width: int = WIDTH) -> str:
    """Several lines, what matters first: the state, what is wrong, what each worker does; what hardly changes last."""
    lines = list(_head(status, now))
    last = status.report
    if last is not None:
        lines += _problems(last, now)
        lines += _children((*last.services, *last.workers), status, now)
        if not status.is_gone:
            lines += [f"host    {words}" for words in formatting.hosts(last, status.snapshots)]
    if status.keys:
        lines += keys.as_text(status.keys, now)
    elif status.snapshot is not None:
        lines += _ledger(status.snapshot)
    if status.counts is not None:
        lines += _counts(status, status.counts, now)
    lines += [f"note    {note}" for note in status.notes]
    if last is not None:
        lines.append(f"run     {last.run.words}")
    return "\n".join(_folded(line, width) for line in lines) + "\n"


def as_line(status: Status, now: datetime) -> str:
    """The status in one line, for a log: state, tokens, gates, rows a minute, backfill, age of the watermarks."""
    parts = [f"{clock(now)} {status.state}"]
    if status.keys:
        parts += keys.in_short(status.keys, now)
    elif status.snapshot is not None and status.snapshot.synced:
        bucket = status.snapshot.bucket
        parts.append(f"tokens {bucket.balance:g} of {bucket.capacity:g}")
        parts += [f"{tier.name} {formatting.gate(tier)}" for tier in status.snapshot.tiers if tier.floor]
    if status.report is not None and not status.is_stale:
        parts += [f"{table} {rate:.0f}/min" for table, rate in status.report.rows_per_minute.items() if rate]
    far = progress(status.report, status.counts, status.snapshots)
    if far is not None:
        parts.append(formatting.backfill(far.done, far.total, far.rate_per_min, far.eta_s))
    if status.counts is not None:
        parts += [formatting.watermark(mark, now) for mark in status.counts.watermarks]
    return ", ".join(parts) + "\n"


def _folded(line: str, width: int) -> str:
    """The line, folded under its first column when it is long."""
    folded = textwrap.wrap(line, width, subsequent_indent=" " * 8, break_long_words=False, drop_whitespace=False)
    return "\n".join(part.rstrip() for part in folded)


def _head(status: Status, now: datetime) -> Iterator[str]:
    pid = "" if status.pid is None else f", pid {status.pid}"
    if status.command is not None:
        yield f"supervisor  not running: `sluicegate {status.command}`{pid}, holds the state directory"
    else:
        yield f"supervisor  {status.state}{pid}"
    if status.report is not None and status.has_stopped:
        at = near(datetime.fromisoformat(status.report.written_at), now)
        yield f"the supervisor stopped at {at}; what follows is its last state"
    elif status.report is not None and status.is_stale:
        at = near(datetime.fromisoformat(status.report.written_at), now)
        why = "by a supervisor that is gone" if status.is_gone else "and not again since: it is suspended or stuck"
        yield f"what follows is stale: it was written at {at} {why}"
    if status.report is not None and not status.is_stale:
        for one in status.report.conditions:
            yield f"degraded  {formatting.condition(one, now)}"
        if status.report.overrides:
            overrides = " ".join(f"{name}={text}" for name, text in status.report.overrides.items())
            yield f"set     {overrides}, until the supervisor ends"
    if status.paused:
        yield f"paused  {formatting.until_resumed(status.paused)}"


def _children(children: Sequence[ChildRecord], status: Status, now: datetime) -> Iterator[str]:
    is_gone, snapshots = status.is_gone, status.snapshots
    for child in children:
        state = "gone" if is_gone and not status.has_stopped else child.state
        if child.again_in_s is not None and not is_gone:
            state += f", again in {format_duration(child.again_in_s)}"
        parts = [child.name.ljust(12), state.ljust(8)]
        if child.pid is not None and not is_gone:
            parts.append(f"pid {child.pid}")
        if child.phase is not None and not is_gone:
            parts.append(formatting.doing(child, snapshots, now))
        if child.restarts:
            parts.append("restarted once" if child.restarts == 1 else f"restarted {child.restarts} times")
        yield "  " + "  ".join(part for part in parts if part).rstrip()


def _ledger(snapshot: Snapshot) -> Iterator[str]:
    bucket = snapshot.bucket
    if not snapshot.synced:
        yield "tokens  no reading from the server yet"
        return
    tick = "" if bucket.next_tick_in_s is None else f", next in {format_duration(bucket.next_tick_in_s)}"
    yield (
        f"tokens  [{draw_bucket(snapshot, _BAR)}] {bucket.balance:g} of {bucket.capacity:g}, "
        f"+{bucket.refill_rate:g} every {bucket.tick_period_s:.1f} s{tick}, drift {bucket.drift:g}"
    )
    for tier in snapshot.tiers:
        part = formatting.spent_part(tier, snapshot)
        yield (
            f"  {tier.name:<12}[{draw_bar(formatting.openness(tier, snapshot), _GATE)}] {formatting.gate(tier):<20} "
            f"floor {tier.floor:g}, waiting {tier.waiting}, spent {tier.spent:g} ({part:.0%})"
        )
        if rules := describe_rules(tier):
            yield f"    {tier.name} {rules}"


def _counts(status: Status, counts: CountRecord, now: datetime) -> Iterator[str]:
    pace = {} if status.report is None or status.is_stale else status.report.rows_per_minute
    yield "rows    " + ", ".join(formatting.rows(counts, pace))
    age = "" if status.counts_age_s is None else f" (counted {format_duration(status.counts_age_s)} ago)"
    unwanted = counts.queue.get("unwanted", 0)
    yield "queue   " + ", ".join(formatting.queue(counts)) + age + (" (see `sluicegate queue`)" if unwanted else "")
    far = progress(status.report, counts, status.snapshots)
    if far is not None and far.total:
        words = formatting.backfill(far.done, far.total, far.rate_per_min, far.eta_s)
        yield f"history [{draw_bar(far.done / far.total, _BAR)}] {words}"
    for mark in counts.watermarks:
        yield f"deals   {formatting.watermark(mark, now)}"
    for watch in counts.lists:
        yield f"list    {formatting.watched(watch, now)}"
    for source in counts.sources:
        yield f"source  {formatting.source(source, now)}"


def _problems(report: Report, now: datetime) -> Iterator[str]:
    for fault in formatting.faults(report.faults, now)[-_FAULTS:]:
        yield f"fault   {fault}"
    for death in report.deaths[-_DEATHS:]:
        yield f"death   {formatting.death(death, now)}"

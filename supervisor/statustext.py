"""The status as text."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

from supervisor.words import span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ledger import Snapshot
    from supervisor.report import ChildRecord, Report
    from supervisor.status import Status

_DEATHS: Final = 5
_WIDTH: Final = 100


def as_text(status: Status) -> str:
    """Several lines, the state of the supervisor first."""
    lines = list(_head(status))
    if status.report is not None:
        lines += _children((*status.report.services, *status.report.workers), is_stale=status.is_stale)
    if status.snapshot is not None:
        lines += _ledger(status.snapshot)
    if status.counts is not None:
        lines.append(
            "rows    " + ", ".join(f"{name.replace('_', ' ')} {n:,}" for name, n in status.counts.rows.items())
        )
        age = "" if status.counts_age_s is None else f" (counted {status.counts_age_s:.0f} s ago)"
        lines.append("queue   " + ", ".join(f"{name} {n:,}" for name, n in status.counts.queue.items()) + age)
    if status.report is not None:
        lines += _deaths(status.report)
    lines += [f"note    {note}" for note in status.notes]
    return "\n".join(_folded(line) for line in lines) + "\n"


def _folded(line: str) -> str:
    """The line, folded under its first column when it is long."""
    folded = textwrap.wrap(line, _WIDTH, subsequent_indent=" " * 8, break_long_words=False, drop_whitespace=False)
    return "\n".join(part.rstrip() for part in folded)


def _head(status: Status) -> Iterator[str]:
    pid = "" if status.pid is None else f", pid {status.pid}"
    yield f"supervisor  {status.state}{pid}"
    if status.report is not None and status.is_stale:
        yield f"what follows is stale: it was written at {status.report.written_at} by a supervisor that is gone"
    if status.report is not None:
        yield f"run     {status.report.run.words}"
    if status.report is not None and not status.is_stale:
        if status.report.paused:
            yield f"paused  {' and '.join(status.report.paused)}, until `sluicegate resume`"
        if status.report.told:
            told = " ".join(f"{name}={text}" for name, text in status.report.told.items())
            yield f"told    {told}, until the supervisor ends"


def _children(children: Sequence[ChildRecord], *, is_stale: bool) -> Iterator[str]:
    for child in children:
        state = "gone" if is_stale else child.state
        if child.again_in_s is not None and not is_stale:
            state += f", again in {span(child.again_in_s)}"
        parts = [f"{child.role}-{child.slot}".ljust(14), state.ljust(10)]
        if child.pid is not None and not is_stale:
            parts.append(f"pid {child.pid}")
        if child.restarts:
            parts.append(f"restarts {child.restarts} ({child.deaths_in_period}/{child.deaths_allowed} counted)")
        if child.phase is not None:
            parts.append(f"{child.phase.replace('_', ' ')} {child.detail}".rstrip())
        yield "  " + " ".join(parts)


def _ledger(snapshot: Snapshot) -> Iterator[str]:
    bucket = snapshot.bucket
    if not snapshot.synced:
        yield "tokens  no reading from the server yet"
        return
    tick = "" if bucket.next_tick_in_s is None else f", next in {span(bucket.next_tick_in_s)}"
    yield (
        f"tokens  {bucket.balance:g} of {bucket.capacity:g}, +{bucket.refill_rate:g} every "
        f"{bucket.tick_period_s:.1f} s{tick}, drift {bucket.drift:g}"
    )
    for tier in snapshot.tiers:
        opens = "closed" if tier.opens_in_s is None else f"opens in {span(tier.opens_in_s)}"
        gate = "open" if tier.open else opens
        yield (
            f"  {tier.name:<12} {gate:<18} floor {tier.floor:g}, waiting {tier.waiting}, "
            f"granted {tier.granted}, spent {tier.spent:g}"
        )


def _deaths(report: Report) -> Iterator[str]:
    for death in report.deaths[-_DEATHS:]:
        yield f"death   {death.at} {death.role}-{death.slot} {death.words} after {span(death.lived_s)}, {death.doing}"

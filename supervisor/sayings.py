"""What a run does and what went wrong, in the words that both the live view and the plain status use."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from ledger.localtime import near
from supervisor.report import age_s
from supervisor.words import span
from tasks.keepa import locales

if TYPE_CHECKING:
    from ledger import Snapshot
    from ledger.records import TierRecord
    from supervisor.conditions import ConditionRecord
    from supervisor.faults import FaultRecord
    from supervisor.report import ChildRecord, DeathRecord, MarkRecord

_WAITS: Final = {
    "waiting_tokens": "waiting for tokens until {}",
    "waiting_poll": "next poll at {}",
    "waiting_work": "waiting for work until {}",
}


def doing(child: ChildRecord, snapshot: Snapshot | None, now: datetime) -> str:
    """What a child is at, and until when it waits: by the ledger, or else as it promised."""
    if child.phase is None:
        return ""
    until, latest = _until(child, snapshot, now)
    words = _WAITS.get(child.phase)
    if words is None or until is None:
        said = child.phase.replace("_", " ")
        return f"{said} {child.detail}".rstrip()
    said = words.format(near(until, now)) + (" at the latest" if latest else "")
    return f"{said}, {child.detail}" if child.detail else said


def _until(child: ChildRecord, snapshot: Snapshot | None, now: datetime) -> tuple[datetime | None, bool]:
    """When its wait ends, and whether that is only the latest it can be."""
    if child.phase == "waiting_tokens" and snapshot is not None:
        opens = [one.opens_in_s for one in snapshot.waiters if one.owner_pid == child.pid]
        known = [opens_in_s for opens_in_s in opens if opens_in_s is not None]
        if known:
            return now + timedelta(seconds=min(known)), False
    if child.until is None:
        return None, False
    return datetime.fromisoformat(child.until), child.phase == "waiting_tokens"


def gate(tier: TierRecord) -> str:
    """Whether the oldest request of a tier may go, or when."""
    if tier.open:
        return "open"
    return "closed" if tier.opens_in_s is None else f"opens in {span(tier.opens_in_s)}"


def watermark(mark: MarkRecord, now: datetime) -> str:
    """Up to when a stream is known."""
    walked = "" if mark.walked_at is None else f", last walk {span(age_s(mark.walked_at, now))} ago"
    return f"{locales.stream(mark.stream)} known up to {span(age_s(mark.at, now))} ago{walked}"


def fault(one: FaultRecord, now: datetime) -> str:
    """A fault in a line."""
    who = "supervisor" if one.role is None else f"{one.role}-{one.slot}"
    times = "" if one.times == 1 else f" ({one.times} times)"
    words = " ".join(one.words.split())
    return f"{near(datetime.fromisoformat(one.at), now)} {who} {one.event.replace('_', ' ')}{times}: {words}".rstrip(
        ": "
    )


def condition(one: ConditionRecord, now: datetime) -> str:
    """What keeps the run from its work, since when and why."""
    return f"{one.kind} since {near(datetime.fromisoformat(one.since), now)}: {' '.join(one.why.split())}"


def death(one: DeathRecord, now: datetime) -> str:
    """A death in a line: its cause, how long it had lived, and what it was at."""
    lived = f"after {span(one.lived_s)}"
    at = near(datetime.fromisoformat(one.at), now)
    return f"{at} {one.role}-{one.slot} {one.words} {lived}" + (f", {one.doing}" if one.doing else "")


def backfill(done: int, total: int, rate: object, eta_s: object) -> str:
    """How far the backfill is."""
    words = f"{done:,} of {total:,} products"
    if isinstance(rate, int | float):
        words += f", {rate:.0f} a minute"
    if isinstance(eta_s, int | float):
        words += f", about {span(eta_s)} left"
    return words

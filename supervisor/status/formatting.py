"""What a run does and what went wrong, in the words that both the live view and the plain status use. Pure.

The numbers that a bar shows are made here too: how full, how far, how long.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from ledger.durations import format_duration, format_elapsed
from ledger.localtime import near
from supervisor.count_record import QUEUE
from supervisor.logs.faults import kind_of
from supervisor.logs.phrases import describe_activity, describe_life, name_of
from supervisor.report import DATABASE, age_s
from tasks.errors import one_line
from tasks.keepa import locales

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ledger import Snapshot
    from ledger.snapshot_records import TierRecord
    from supervisor.count_record import CountRecord, ListRecord, MarkRecord, SourceRecord
    from supervisor.host_record import HostRecord
    from supervisor.process.conditions import ConditionRecord
    from supervisor.report import ChildRecord, DeathRecord, FaultRecord, Report

_ALMOST: Final = 0.99  # of a bar: only an open gate has a full one


OVER: Final = "over: "
QUARANTINE: Final = "quarantine"
_WAITS: Final = {
    "waiting_tokens": "waiting for tokens until {}",
    "waiting_poll": "next poll at {}",
    "waiting_work": "nothing to fetch, looks again at {}",
}


def doing(child: ChildRecord, snapshots: Sequence[Snapshot], now: datetime) -> str:
    """What a child is at, and until when it waits: by the ledger whose gate opens first, or else as it promised."""
    if child.phase is None:
        return ""
    until, latest = _until(child, snapshots, now)
    words = _WAITS.get(child.phase)
    if words is None or until is None:
        return describe_activity(child.phase, child.detail)
    said = words.format(near(until, now)) + (" at the latest" if latest else "")
    what = describe_activity(child.phase, child.detail)
    if child.phase == "waiting_tokens" and what.endswith("tokens") and "," not in what:
        return said.replace("waiting for tokens", what)
    return f"{said}, {child.detail}" if child.detail else said


def until_resumed(paused: Sequence[str]) -> str:
    """The roles that are paused, and the command that ends it."""
    return f"{' and '.join(paused)}, until `sluicegate resume {paused[0] if len(paused) == 1 else 'all'}`"


def _until(child: ChildRecord, snapshots: Sequence[Snapshot], now: datetime) -> tuple[datetime | None, bool]:
    """When its wait ends, and whether that is only the latest it can be."""
    if child.phase == "waiting_tokens":
        opens = [one.opens_in_s for its in snapshots for one in its.waiters if one.owner_pid == child.pid]
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
    if tier.opens_in_s is None:
        return "closed"
    return f"opens in {format_duration(tier.opens_in_s)}" if round(tier.opens_in_s) else "opens now"


def watermark(mark: MarkRecord, now: datetime) -> str:
    """Up to when a stream is known."""
    walked = "" if mark.walked_at is None else f", last walk {format_duration(age_s(mark.walked_at, now))} ago"
    return f"{locales.stream(mark.stream)} known up to {format_duration(age_s(mark.at, now))} ago{walked}"


def watched(one: ListRecord, now: datetime) -> str:
    """How fresh a list is: its products, those that are due, and how old the oldest is."""
    words = f"{locales.stream(one.stream)}: {one.products:,} products, {one.overdue:,} due"
    if one.fetched < one.products:
        words += f", {one.products - one.fetched:,} never fetched"
    if one.oldest_at is not None:
        age = format_duration(age_s(one.oldest_at, now))
        words += f", the oldest fetched {age} ago of {format_duration(one.refresh_s)}"
    if one.reason is not None and one.since is not None:
        words += f"; cannot be read since {near(datetime.fromisoformat(one.since), now)}: {one_line(one.reason)}"
    return words


def source(one: SourceRecord, now: datetime) -> str:
    """How far a source is read: what it listed, when, and when it is read again."""
    if one.read_at is None:
        words = f"{locales.stream(one.stream)}: not read to its end yet"
    else:
        words = (
            f"{locales.stream(one.stream)}: {one.products:,} products, read "
            f"{format_duration(age_s(one.read_at, now))} ago"
        )
        left_s = 0.0 if one.next_at is None else -age_s(one.next_at, now)
        words += f", again in {format_duration(left_s)}" if left_s > 0 else ", due again"
    if one.reason is not None and one.since is not None:
        words += f"; refused since {near(datetime.fromisoformat(one.since), now)}: {one_line(one.reason)}"
    return words


def faults(kept: Sequence[FaultRecord], now: datetime) -> list[str]:
    """Each fault in a line, whoever has it: from when to when, how often, who, and what.

    What goes on comes last, after what is over, and the newest last of all.
    """
    alike: dict[tuple[bool, tuple[str, str]], list[FaultRecord]] = {}
    for one in kept:
        alike.setdefault((one.until is None, kind_of(one)), []).append(one)
    ordered = sorted(alike.items(), key=lambda item: (item[0][0], max(one.at for one in item[1])))
    return [_fault(those, now) for _, those in ordered]


def _fault(those: Sequence[FaultRecord], now: datetime) -> str:
    newest = max(those, key=lambda one: one.at)
    since = near(datetime.fromisoformat(min(one.since or one.at for one in those)), now)
    times = sum(one.times for one in those)
    when = near(datetime.fromisoformat(newest.at), now)
    if newest.until is not None:
        until = near(datetime.fromisoformat(max(one.until or "" for one in those)), now)
        when = f"{OVER}{since} to {until}," + (f" {times} times," if times > 1 else "")
    elif times > 1:
        when = f"{since} to {when}, {times} times,"
    who = ", ".join(dict.fromkeys(name_of(one.role, one.slot) for one in those))
    words = one_line(newest.words) or newest.event.replace("_", " ")
    return f"{when} {who}: {words}"


def condition(one: ConditionRecord, now: datetime) -> str:
    """What keeps the run from its work, since when and why."""
    return f"{one.kind} since {near(datetime.fromisoformat(one.since), now)}: {one_line(one.why)}"


def hosts(last: Report, snapshots: Sequence[Snapshot]) -> list[str]:
    """The hosts in a line each, where there are several or one that shares its ledger."""
    if len(last.hosts) == 1 and last.hosts[0].ledger != DATABASE:
        return []
    return [f"{one.name}: {', '.join(host_facts(one, snapshots))}" for one in last.hosts]


def host_facts(one: HostRecord, snapshots: Sequence[Snapshot]) -> list[str]:
    """What is to be told of a host: its state first. Its open calls are those in the ledgers of all keys."""
    state = one.state if one.state != "left" or one.drain_at is None else "drained"
    facts = [state if one.is_own else f"{state}, heard {format_elapsed(one.silent_s)} ago", f"build {one.version}"]
    facts.append("1 worker" if one.workers == 1 else f"{one.workers} workers")
    if snapshots and one.ledger == DATABASE:
        calls = sum(lease.owner_host == one.number for its in snapshots for lease in its.leases)
        facts.append("1 open call" if calls == 1 else f"{calls} open calls")
    facts.append(f"{one.tokens_day:,} tokens in the last day")
    return facts


def death(one: DeathRecord, now: datetime) -> str:
    """A death in a line: its cause, how long it had lived, and what it was at."""
    at = near(datetime.fromisoformat(one.at), now)
    return f"{at} {name_of(one.role, one.slot)}: {one.words}; {describe_life(one.lived_s, one.doing)}"


def rows(counts: CountRecord, pace: Mapping[str, float]) -> list[str]:
    """Rows by table, and how many more a minute: what could not be used first, for it asks for a look."""
    names = sorted(counts.rows, key=lambda name: name != QUARANTINE)
    return [
        f"{name.replace('_', ' ')} {_about(name, counts)}{counts.rows[name]:,}"
        + (f" (+{pace[name]:,.0f}/min)" if pace.get(name) else "")
        for name in names
    ]


def queue(counts: CountRecord) -> list[str]:
    """Items of the queue by state, without `unwanted` where there are none; what is claimed is always exact."""
    return [
        f"{name} {_about(QUEUE, counts) if name != 'leased' else ''}{n:,}"
        for name, n in counts.queue.items()
        if name != "unwanted" or n
    ]


def _about(figure: str, counts: CountRecord) -> str:
    return "about " if figure in counts.estimates else ""


def backfill(done: int, total: int, rate: object, eta_s: object) -> str:
    """How far the backfill is."""
    words = f"{done:,} of {total:,} products"
    if isinstance(rate, int | float):
        words += f", {rate:.0f} a minute"
    if isinstance(eta_s, int | float):
        words += f", about {format_duration(eta_s)} left"
    return words


def openness(tier: TierRecord, snapshot: Snapshot) -> float:
    """1 when the gate is open; else the part of the wait that is over, or of the tokens needed if nobody waits."""
    if tier.open:
        return 1.0
    waited_s = max((waiter.waited_s for waiter in snapshot.waiters if waiter.tier == tier.name), default=None)
    if waited_s is not None and tier.opens_in_s is not None:
        return min(_ALMOST, waited_s / max(waited_s + tier.opens_in_s, 1e-9))
    there = snapshot.bucket.balance - sum(one.in_flight for one in snapshot.tiers)
    return max(0.0, min(_ALMOST, there / (tier.floor + 1)))


def spent_part(tier: TierRecord, snapshot: Snapshot) -> float:
    """The tier's part of all that was spent."""
    total = sum(one.spent for one in snapshot.tiers)
    return tier.spent / total if total else 0.0

"""What the page Now shows of a moment, for its HTML and for `/live.json`: texts by name, and tables of cells. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from ledger.dump import describe_rules
from ledger.localtime import near
from supervisor.logs.phrases import name_of
from supervisor.report import DATABASE, OF_KEY
from supervisor.status import formatting
from supervisor.status.as_json import progress
from supervisor.web import cells, keys_table
from supervisor.web.forecast import forecast
from supervisor.web.verdict import verdict
from tasks.roles import ROLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger import Snapshot
    from ledger.snapshot_records import TierRecord
    from supervisor.report import ChildRecord, Report
    from supervisor.status.keys import KeyView
    from supervisor.status.status import Status
    from supervisor.web.cells import Cell, Shape

    Rows = list[list[Cell]]

BRAKE: Final = "replies"  # the condition of calls that a brake has stopped
LAST: Final = 5  # faults and deaths that are shown
_REASONS: Final = {
    "floor": "its floor must remain",
    "queue": "an older request goes first",
    "in flight": "a call under way has to be settled first",
    "unsynced": "the balance is not known yet",
    "hours": "it is outside its hours",
    "budget": "its tokens of today are spent",
}
_OF_HOSTS: Final[dict[str, Shape]] = {"alive": "good", "draining": "wait", "silent": "bad"}
_GOOD: Final = frozenset({"running", "done"})
_OFF: Final = frozenset({"paused", "stopped"})
_BAD: Final = frozenset({"failed", "gone"})


def now_view(status: Status, now: datetime, *, has_control: bool, key: KeyView | None = None) -> dict[str, Any]:
    """The moment: `texts` by name, `tables` of rows of cells, and `chart`.

    `key` is the one of several whose tokens are shown; None where there is one key.
    """
    shape, sentence = verdict(status, now)
    last, snapshot = status.report, status.snapshot if key is None else key.snapshot
    of_key = {} if key is None else {"key": keys_table.sentence(key, now)}
    all_keys = {} if key is None else {"keys": keys_table.rows(status.keys, now)}
    return {
        "state": shape,
        "silent_since": None if last is None or not status.is_silent else near(_moment(last.written_at), now),
        "texts": {"verdict": sentence, **of_key, **_bucket(snapshot), **_work(status, now)},
        "tables": {
            **all_keys,
            "tiers": [] if snapshot is None else _tiers(snapshot, now, status.paused, has_control=has_control),
            "waiters": [] if snapshot is None else _waiters(snapshot, now),
            "conditions": [] if last is None else _conditions(last, now, has_control=has_control),
            "children": [] if last is None else _children(last, status, now, has_control=has_control),
            "hosts": [] if last is None else _hosts(last, status.snapshots, now),
            "faults": [] if last is None else _faults(last, now),
        },
        "chart": None if snapshot is None else _chart(snapshot, now),
    }


def _bucket(snapshot: Snapshot | None) -> dict[str, str]:
    if snapshot is None or not snapshot.synced:
        return {"balance": cells.NOTHING, "capacity": cells.NOTHING, "refill": "no reading from the server yet"}
    bucket = snapshot.bucket
    return {
        "balance": f"{bucket.balance:,.0f}",
        "capacity": f"{bucket.capacity:,.0f}",
        "refill": f"+{bucket.refill_rate:g} every {bucket.tick_period_s:.1f} s, drift {bucket.drift:g}",
    }


def _work(status: Status, now: datetime) -> dict[str, str]:
    last, counts = status.report, status.counts
    pace = {} if last is None else last.rows_per_minute
    texts = {
        "rows": "not counted yet" if counts is None else ", ".join(formatting.rows(counts, pace)),
        "pace": ", ".join(f"{table.replace('_', ' ')} {rate:,.0f}" for table, rate in pace.items() if rate)
        or "none in the last minute",
        "counted": "" if counts is None else f"counted at {near(_moment(counts.at), now)}",
    }
    far = progress(last, counts, status.snapshots)
    texts["backfill"] = (
        "not known yet" if far is None else formatting.backfill(far.done, far.total, far.rate_per_min, None)
    )
    texts["left"] = cells.NOTHING
    if far is not None and isinstance(far.eta_s, int | float):
        texts["left"] = f"until about {near(now + timedelta(seconds=far.eta_s), now)}"
    marks = () if counts is None else counts.watermarks
    texts["watermarks"] = "; ".join(formatting.watermark(mark, now) for mark in marks) or "none yet"
    return texts


def _tiers(snapshot: Snapshot, now: datetime, paused: Sequence[str], *, has_control: bool) -> Rows:
    reasons = {one.tier: one for one in reversed(snapshot.waiters)}
    rows = []
    for tier in snapshot.tiers:
        oldest = reasons.get(tier.name)
        why = cells.NOTHING
        if oldest is not None:
            why = f"{oldest.cost:g} tokens; {_REASONS.get(oldest.reason, oldest.reason.replace('_', ' '))}"
            if oldest.latest_in_s is not None:
                why += f"; at the latest {near(now + timedelta(seconds=oldest.latest_in_s), now)}"
        if rules := describe_rules(tier):
            why = f"none waits; it {rules}" if oldest is None else f"{why}; it {rules}"
        row = [
            cells.plain(tier.name),
            _gate(tier, now),
            cells.plain(why),
            cells.count(tier.floor),
            cells.count(tier.waiting),
            {**cells.plain(f"{tier.spent:,.0f} ({formatting.spent_part(tier, snapshot):.0%})"), "n": 1},
        ]
        if has_control:
            verb = "resume" if tier.name in paused else "pause"
            can = tier.name in ROLES
            row.append(cells.link(verb, f"/orders/{verb}?role={tier.name}") if can else cells.plain(""))
        rows.append(row)
    return rows


def _gate(tier: TierRecord, now: datetime) -> Cell:
    if tier.open:
        return cells.state("good", "open")
    if tier.opens_in_s is None:
        return cells.state("wait", "closed")
    at = now + timedelta(seconds=tier.opens_in_s)
    return cells.until("wait", "opens in", at, f"opens at {near(at, now)}")


def _waiters(snapshot: Snapshot, now: datetime) -> Rows:
    rows = []
    for one in snapshot.waiters:
        opens = cells.plain("only an event can tell")
        if one.opens_in_s is not None:
            at = now + timedelta(seconds=one.opens_in_s)
            opens = cells.until("wait", "in", at, near(at, now))
        since = now - timedelta(seconds=one.waited_s)
        reason = _REASONS.get(one.reason, one.reason.replace("_", " "))
        owner = cells.plain(f"pid {one.owner_pid}")
        rows.append([cells.plain(one.tier), owner, cells.count(one.cost), cells.plain(near(since, now)), opens])
        rows[-1].append(cells.plain(reason))
    return rows


def _conditions(last: Report, now: datetime, *, has_control: bool) -> Rows:
    """What keeps the run from its work; a brake has no end unless somebody releases it, so that is offered."""
    rows = []
    for one in last.conditions:
        row = [
            cells.plain(near(_moment(one.since), now)),
            cells.state("bad", f"{one.kind}: {one.why}" if one.kind.startswith(OF_KEY) else one.why),
            cells.plain(", ".join(one.who)),
        ]
        if has_control:
            row.append(cells.link("resume", "/orders/resume?role=all") if one.kind == BRAKE else cells.plain(""))
        rows.append(row)
    return rows


def _children(last: Report, status: Status, now: datetime, *, has_control: bool) -> Rows:
    rows = []
    for child in (*last.services, *last.workers):
        row = [
            cells.plain(child.name),
            _state(child),
            cells.plain(formatting.doing(child, status.snapshots, now)),
            cells.count(child.restarts),
        ]
        if has_control:
            row.append(_order_for(child))
        rows.append(row)
    return rows


def _hosts(last: Report, snapshots: Sequence[Snapshot], now: datetime) -> Rows:
    """Those that share the database; none where this is the only one."""
    if len(last.hosts) == 1 and last.hosts[0].ledger != DATABASE:
        return []
    return [
        [
            cells.plain(one.name),
            cells.state(_OF_HOSTS.get(one.state, "off"), formatting.host_facts(one, snapshots)[0]),
            cells.plain(near(one.joined_at, now)),
            cells.plain("; ".join(formatting.host_facts(one, snapshots)[1:])),
        ]
        for one in last.hosts
    ]


def _state(child: ChildRecord) -> Cell:
    if child.state in _GOOD:
        return cells.state("good", child.state)
    if child.state in _OFF:
        return cells.state("off", child.state)
    return cells.state("bad" if child.state in _BAD else "wait", child.state)


def _order_for(child: ChildRecord) -> Cell:
    if child.role not in ROLES or child.state in _OFF:
        return cells.plain("")
    verb = "retry" if child.state in {"failed", "backoff"} else "restart"
    return cells.link(verb, f"/orders/{verb}?worker={child.name}")


def _faults(last: Report, now: datetime) -> Rows:
    """The last faults and deaths, the newest first."""
    found: list[tuple[str, Cell, Cell]] = [
        (one.at, cells.plain(f"{name_of(one.role, one.slot)}: {one.words}"), cells.state("bad", "death"))
        for one in last.deaths
    ]
    for one in last.faults:
        is_over = one.until is not None
        kind = cells.state("off" if is_over else "wait", "over" if is_over else one.level)
        found.append((one.at, cells.plain(f"{name_of(one.role, one.slot)}: {one.words or one.event}"), kind))
    newest = sorted(found, key=lambda item: item[0], reverse=True)[:LAST]
    return [[cells.plain(near(_moment(at), now)), kind, what] for at, what, kind in newest]


def _chart(snapshot: Snapshot, now: datetime) -> dict[str, Any]:
    coming = forecast(snapshot)
    now_s = now.timestamp()
    return {
        "balance": round(snapshot.bucket.balance, 1),
        "capacity": snapshot.bucket.capacity,
        "floors": [[tier.name, tier.floor] for tier in snapshot.tiers if tier.floor],
        "steps": [[round(now_s + in_s), balance] for in_s, balance in coming.steps[1:]],
        "openings": [[one.tier, round(now_s + one.in_s), one.balance] for one in coming.openings],
    }


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)

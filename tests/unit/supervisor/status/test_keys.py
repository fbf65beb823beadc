"""Several keys: each has its numbers and its fault, and what is said of all of them counts every key."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ledger import DEFAULT_TIERS, Hours, ManualClock, Reading, TokenLedger
from supervisor.count_record import CountRecord
from supervisor.host_record import HostRecord
from supervisor.process.conditions import ConditionRecord
from supervisor.report import ChildRecord, KeyRecord
from supervisor.status import formatting, keys
from supervisor.status.as_json import progress
from tasks.planning.forecast import supply_of_all, token_supply

UPSERT = [one.name for one in DEFAULT_TIERS].index("upsert")
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
REFUSED = ConditionRecord(kind="key b", since=NOW.isoformat(), why="no subscription", who=("upsert-0",))
HOST = HostRecord(
    number=0, name="one", version="0.1.0", ledger="database", state="alive", joined_at=NOW, heard_at=NOW, silent_s=2.0,
    drain_at=None, left_at=None, is_own=True, workers=2, tokens_day=7,
)  # fmt: skip


def a_ledger(tokens, rate=20, tick_s=60, tiers=DEFAULT_TIERS):
    one = TokenLedger.in_memory(tiers, ManualClock(10**15), tick_period_s=tick_s)
    one.observe(Reading(tokens_left=tokens, refill_rate=rate, refill_in_ms=1000, server_ms=5))
    return one


def views(**snapshots):
    records = tuple(KeyRecord(name=name) for name in snapshots)
    return keys.views(records, snapshots, None)


def test_each_key_has_its_own_line_and_its_own_fault():
    unsynced = TokenLedger.in_memory(DEFAULT_TIERS, ManualClock(10**15), tick_period_s=60).snapshot()
    found = views(a=a_ledger(300).snapshot(), b=a_ledger(7, 5).snapshot(), c=None, d=unsynced)
    found = (found[0], found[1]._replace(refusal=REFUSED), *found[2:])
    lines = list(keys.as_text(found, NOW))
    assert lines[0].startswith(
        "key     a: 300 of 1200 tokens, +20 every 60.0 s, spent 0, drift 0; upsert open, backfill "
    )
    assert "b: refused since" in lines[1]
    assert "no subscription" in lines[1]
    assert lines[2:] == [f"key     c: {keys.UNREADABLE}", f"key     d: {keys.UNSYNCED}"]
    assert list(keys.in_short(found, NOW)) == ["a 300 of 1200 tokens", "b refused", "c not known", "d not known"]


def test_the_budget_and_the_hours_of_a_tier_stand_below_its_key():
    upsert = replace(DEFAULT_TIERS[UPSERT], tokens_per_day=250, hours=Hours.parse("22-06"))
    tiers = [upsert if one.name == "upsert" else one for one in DEFAULT_TIERS]
    lines = list(keys.as_text(views(a=a_ledger(300, tiers=tiers).snapshot(), b=a_ledger(7).snapshot()), NOW))
    assert [line.split(":")[0] for line in lines[::2]] == ["key     a", "key     b"]
    assert lines[1] == "    upsert has spent 0 of 250 tokens today (UTC), spends at 22-06 UTC only"


def waiting(**more):
    given = {"up_s": None, "again_in_s": None, "restarts": 0, "rows": {}, "deaths_in_period": 0, "deaths_allowed": 5}
    given |= {"phase": "waiting_tokens", "detail": "", "job": {}, "until": None}
    return ChildRecord(role="backfill", slot=0, state="running", **{**given, **more})


def test_a_worker_waits_until_the_first_of_its_gates_opens():
    """It is in the queue of each key, and of whichever it stands in its wait is told."""
    poor, rich = a_ledger(0, 5), a_ledger(0, 60)
    with poor.place("backfill") as one, rich.place("backfill") as other:
        one.poll(20)
        other.poll(20)
        snapshots = (poor.snapshot(), rich.snapshot())
    opens_s = [one.waiters[0].opens_in_s for one in snapshots]
    assert opens_s[1] < opens_s[0]
    child = waiting(pid=snapshots[0].waiters[0].owner_pid)
    alone = [formatting.doing(child, (one,), NOW) for one in snapshots]
    assert formatting.doing(child, snapshots, NOW) == alone[1] != alone[0]


def test_the_open_calls_of_a_host_are_those_of_all_keys():
    ledgers = (a_ledger(300), a_ledger(300))
    for one in ledgers:
        one.reserve("interactive", 5).commit()
    assert "2 open calls" in formatting.host_facts(HOST, [one.snapshot() for one in ledgers])


@pytest.mark.parametrize("rates", [(20, 20), (5, 60), (60, 20)])
def test_the_time_left_counts_the_tokens_of_every_key(rates):
    snapshots = tuple(a_ledger(200, rate).snapshot() for rate in rates)
    job = {"total": 600, "pace": {"per_item": 2.0}, "rate_per_min": 1.0, "eta_s": 1}
    report = type("Report", (), {"workers": (waiting(job=job, pid=1),)})()
    counts = CountRecord(at=NOW.isoformat(), rows={}, queue={"pending": 500})
    alone, together = (progress(report, counts, its).eta_s for its in (snapshots[:1], snapshots))
    assert together < alone
    supplies = [token_supply(one, "backfill") for one in snapshots]
    both = supply_of_all(snapshots, "backfill")
    assert both.spare == sum(one.spare for one in supplies)
    assert both.refill / both.tick_s == pytest.approx(sum(one.refill / one.tick_s for one in supplies))


def test_one_key_is_reckoned_with_as_it_is():
    snapshot = a_ledger(200).snapshot()
    assert supply_of_all((snapshot,), "backfill") == token_supply(snapshot, "backfill")
    assert supply_of_all((), "backfill") is None


def test_a_person_s_request_is_paid_by_the_pool_of_the_first_key():
    found = views(a=a_ledger(0).snapshot(), b=a_ledger(300).snapshot(), c=a_ledger(300).snapshot())
    assert keys.paying(found, lambda _: 5.0).name == "b"
    apart = (found[0], found[1]._replace(pool="other"), found[2])
    assert keys.paying(apart, lambda _: 5.0).name == "c"
    assert keys.paying((found[0], found[1]._replace(refusal=REFUSED)), lambda _: 5.0).name == "a"

"""Metrics from a report and a ledger: sums that only grow, series that are there before anything happened."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from ledger import DEFAULT_TIERS, ManualClock, TokenLedger
from supervisor.count_record import CountRecord
from supervisor.host_record import HostRecord
from supervisor.http.metrics import text_of
from supervisor.process.heartbeat import Heartbeat
from supervisor.process.restart_policy import Cause, ExitReason
from supervisor.process.states import State
from supervisor.report import ChildRecord, Report, RunRecord, SupervisorRecord
from supervisor.tree.totals import Totals
from tasks.runtime.call_stats import CallStats

RUN = RunRecord(
    server="keepa", synthetic=False, base_url=None, database=None, database_url=None, spool="", rows_into="", words=""
)


def worker(role="upsert", **more):
    given = {"phase": None, "detail": "", "up_s": None, "again_in_s": None, "restarts": 0, "rows": {}, "job": {}}
    given |= {"deaths_in_period": 0, "deaths_allowed": 5}
    return ChildRecord(role=role, slot=0, pid=7, state="running", **{**given, **more})


def samples(report, snapshot=None):
    text = text_of(report, {"default": snapshot}).decode()
    return {
        (one.name.removeprefix("sluicegate_"), tuple(sorted(one.labels.items()))): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def report(**more):
    given = {"written_at": "", "supervisor": SupervisorRecord(pid=1, state="running"), "run": RUN, "services": ()}
    return Report(**{**given, "workers": (worker(),), "rows_written": {}, "deaths": (), **more})


def test_before_anything_happened_counters_stand_at_0_so_that_the_first_step_is_an_increase():
    found = samples(report())
    assert {labels[0][1] for name, labels in found if name == "worker_restarts_total"} == {
        cause.value for cause in Cause if cause is not Cause.STOPPED
    }
    zeros = {value for (name, _), value in found.items() if name.endswith("_total")}
    assert zeros == {0.0}
    assert len([name for name, _ in found if name == "rows_quarantined_total"]) == 4
    assert {value for (name, _), value in found.items() if name == "rows_pruned_total"} == {0}
    pruned = samples(report(rows_pruned={"deals": 3}))
    assert [pruned["rows_pruned_total", (("table", table),)] for table in ("deals", "calls")] == [3.0, 0.0]


def test_what_is_not_known_has_no_series():
    names = {name for name, _ in samples(report())}
    assert "worker_heartbeat_timestamp_seconds" not in names
    assert not {name for name in names if name.startswith(("tokens", "ledger", "watermark", "backfill"))}
    unsynced = TokenLedger.in_memory(DEFAULT_TIERS, ManualClock(1), tick_period_s=60).snapshot()
    assert {name for name, _ in samples(report(), unsynced)} == names


def test_which_figures_are_estimates_is_told_of_each():
    counted = CountRecord(at="", rows={"deals": 9_000, "products": 3}, queue={}, estimates=("deals",))
    found = samples(report(counted=counted))
    values = [found["estimated", (("table", name),)] for name in ("deals", "products", "queue")]
    assert values == [1.0, 0.0, 0.0]


def test_text_that_a_label_must_escape_comes_back_as_it_was():
    odd = 'a "b"\\\nc'
    found = samples(report(refused={}, calls={odd: traffic(200)}))
    assert found["requests_total", (("endpoint", odd), ("status", "200"))] == 1.0


def traffic(*statuses):
    one = CallStats()
    for status in statuses:
        one.count("x", status, 0.2)
    return one._calls["x"]


def host(name, **more):
    at = datetime(2026, 1, 1, tzinfo=UTC)
    given = {"number": 1, "version": "1", "ledger": "database", "state": "alive", "joined_at": at, "heard_at": at}
    given |= {"silent_s": 1.0, "drain_at": None, "left_at": None, "is_own": False, "workers": 1, "tokens_day": 5}
    return HostRecord(name=name, **{**given, **more})


def test_each_host_has_its_series_and_of_two_with_one_name_the_worse_is_told():
    silent = {"state": "silent", "silent_s": 20.0, "number": 2}
    hosts = (host("one"), host("two", **silent), host("twice", **silent), host("twice", number=3))
    ledger = TokenLedger.in_memory(DEFAULT_TIERS, ManualClock(1), tick_period_s=60).snapshot()
    found = samples(report(hosts=hosts), ledger)
    values = [[found[name, (("host", one),)] for one in ("one", "two", "twice")] for name in (
        "host_up", "host_silence_seconds", "host_tokens_of_day", "host_open_calls",
    )]  # fmt: skip
    assert values == [[1, 0, 0], [1, 20, 20], [5, 5, 5], [0, 0, 0]]


def test_each_target_has_its_series_by_its_name():
    messages = {"targets": {"phone": [7, 2, 3, 1_700_000_000.5], "log": [0, 0, 0, 0.0]}}
    child = ChildRecord(
        role="notify", slot=0, pid=1, state="running", phase=None, detail="", up_s=1.0, again_in_s=None, restarts=0,
        deaths_in_period=0, deaths_allowed=5, rows={}, job=messages,
    )  # fmt: skip
    found = samples(report(services=(child,)), None)
    values = [[found[name, (("target", one),)] for one in ("phone", "log")] for name in (
        "messages_sent_total", "messages_refused_total", "messages_waiting", "message_oldest_timestamp_seconds",
    )]  # fmt: skip
    assert values == [[7, 0], [2, 0], [3, 0], [1_700_000_000.5, 0]]


BEATS = st.lists(st.tuples(st.sampled_from(("work", "die", "fail")), st.integers(0, 5)), max_size=30)


@given(BEATS)
def test_line_52_totals_never_shrink_however_workers_come_and_go(steps):
    slot = SimpleNamespace(spec=SimpleNamespace(role="upsert"), beat=None, state=State.RUNNING)
    totals = Totals(lambda: [slot])
    seen, done, restarts = [], 0, 0
    for what, count in steps:
        if what == "work":
            before = slot.beat or Heartbeat(phase="calling")
            rows = {"deals": before.rows.get("deals", 0) + count}
            calls = traffic(*[200] * sum(rows.values())) if sum(rows.values()) else None
            slot.beat = Heartbeat(phase="calling", rows=rows, refused=rows, calls={"x": calls} if calls else {})
            done += count
        else:
            slot.state = State.BACKOFF if what == "die" else State.FAILED
            restarts += what == "die"
            beat, slot.beat = slot.beat, None
            totals.record_exit(slot, SimpleNamespace(exit_reason=ExitReason(cause=Cause.SIGNAL), last_beat=beat))
        calls = totals.calls()
        took = calls["x"].took[1] if "x" in calls else 0
        rows, refused = totals.rows(), totals.refused()
        seen.append((rows.get("deals", 0), refused.get("deals", 0), took, totals.restarts["upsert", "signal"]))
    assert all(before <= after for one, other in pairwise(seen) for before, after in zip(one, other, strict=True))
    assert not seen or seen[-1] == (done, done, done, restarts)

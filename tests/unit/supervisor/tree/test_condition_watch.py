"""What a run says of its conditions: begun and ended in the log, without secrets; and what it sees of the ledger."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ledger import DEFAULT_TIERS, ManualClock, Reading, TokenLedger
from supervisor.config import run_plan, settings
from supervisor.eventloop.loop import Loop
from supervisor.logs import log
from supervisor.process.conditions import SETTLE_S, ReportedCondition
from supervisor.process.heartbeat import Heartbeat
from supervisor.process.spec import Spec
from supervisor.process.states import Stage, State
from supervisor.status.health import problems
from supervisor.tree.reporting import report_of
from supervisor.tree.supervisor import Supervisor
from tasks.redaction import Redactor

SECRET = "hunter2-of-theirs"
HOUR_S = 3600


@pytest.fixture
def clock():
    return ManualClock(10**12)


@pytest.fixture
def lines():
    return []


@pytest.fixture
def run(tmp_path, clock, lines):
    """A run that has not begun."""
    with Loop(clock) as loop:
        plan = run_plan.make_run_plan(settings.load_settings({"STATE_DIR": str(tmp_path / "state")}, dotenv=None))
        plan.state.make()
        redactor = Redactor()
        redactor.hide(SECRET)
        one = Supervisor(plan, loop, log.Log(lines.append, render=log.as_json, redactor=redactor))
        yield one
        one.close()


def events(lines, *names):
    records = [json.loads(line) for line in lines]
    return [(one["event"], one["message"]) for one in records if one["event"] in names]


def says(slot, *conditions, progress=0):
    slot.state = State.RUNNING
    slot.on_heartbeat_line(Heartbeat(phase="writing", progress=progress, conditions=conditions))


def away(why="no answer"):
    return ReportedCondition(kind="database", since=datetime.now(UTC), why=why)


def test_the_beginning_and_the_end_of_what_workers_say_are_told_once_with_the_length(run, clock, lines):
    upsert, backfill = (run.tree.add_worker(Spec(role=role, slot=0), None) for role in ("upsert", "backfill"))
    says(upsert, away(f"no answer\nfrom {SECRET}"))
    clock.advance_s(1)
    says(backfill, away())
    clock.advance_s(51)
    says(upsert)
    assert [one.who for one in run.condition_watch.records()] == [("backfill-0",)]
    (record,) = run.condition_watch.records()
    assert problems(report_of(run, clock.now_ns()))[1].startswith(f"database: {record.why} (since ")
    says(backfill)
    assert run.condition_watch.records(), "it has to stay away for a moment"
    clock.advance_s(SETTLE_S)
    run.condition_watch.check()
    assert run.condition_watch.records() == ()
    assert events(lines, "degraded", "condition_over") == [
        ("degraded", "database: no answer from •••"),
        ("condition_over", "database: in service after 52 s"),
    ]


def test_what_a_worker_said_outlives_it_and_not_the_next_ones_first_step(run, clock):
    slot = run.tree.add_worker(Spec(role="upsert", slot=0), None)
    says(slot, away())
    slot.inherited_conditions = tuple(one.condition for one in slot.conditions(clock.now_ns()))
    slot.beat, slot.state = None, State.BACKOFF
    clock.advance_s(HOUR_S)
    run.condition_watch.check()
    assert [one.kind for one in run.condition_watch.records()] == ["database"]
    says(slot)
    assert [one.kind for one in run.condition_watch.records()] == ["database"]
    says(slot, progress=1)
    clock.advance_s(SETTLE_S)
    run.condition_watch.check()
    assert run.condition_watch.records() == ()


def test_a_condition_that_begins_or_ends_is_reported_at_once(run, clock):
    seen = []
    run.listeners.append(lambda: seen.append(len(run.condition_watch.records())))
    run.condition_watch.database.report_failure("no answer")
    assert seen == [1]
    run.condition_watch.database.report_failure("no answer")
    assert seen == [1], "nothing is new"
    run.condition_watch.database.condition = None
    clock.advance_s(SETTLE_S)
    run.condition_watch.check()
    assert seen == [1, 0]


def test_nothing_begins_or_ends_once_the_run_stops(run, clock, lines):
    slot = run.tree.add_worker(Spec(role="upsert", slot=0), None)
    says(slot, away())
    run.stage = Stage.STOPPING_WORKERS
    says(slot)
    clock.advance_s(HOUR_S)
    run.condition_watch.check()
    assert [name for name, _ in events(lines, "degraded", "condition_over")] == ["degraded"]


def test_a_server_that_nobody_heard_for_long_is_told_while_somebody_waits(run, clock):
    ledger = TokenLedger.in_memory(DEFAULT_TIERS, clock, tick_period_s=60)
    ledger.observe(Reading(tokens_left=0, refill_rate=1, refill_in_ms=1000, server_ms=5))
    clock.advance_s(3 * HOUR_S)
    run.condition_watch.on_snapshots({"default": ledger.snapshot()})
    assert run.condition_watch.records() == (), "nobody has anything to ask"
    now = ledger.snapshot()
    waited = replace(now, tiers=tuple(replace(tier, waiting=1) for tier in now.tiers))
    run.condition_watch.on_snapshots({"default": waited})
    run.condition_watch.on_snapshots({"default": waited})
    (record,) = run.condition_watch.records()
    assert (record.kind, record.who) == ("balance", ("supervisor",))
    assert "for 3 h" in record.why
    ledger.observe(Reading(tokens_left=1, refill_rate=1, refill_in_ms=1000, server_ms=10**8))
    run.condition_watch.on_snapshots({"default": ledger.snapshot()})
    clock.advance_s(SETTLE_S)
    run.condition_watch.check()
    assert run.condition_watch.records() == ()


def test_a_run_is_undisturbed_while_it_works_and_nothing_keeps_it_from_that(run):
    upsert = run.tree.add_worker(Spec(role="upsert", slot=0), None)
    run.stage, run.database.state = Stage.WORKING, State.RUNNING
    assert run.is_undisturbed()
    run.database.state = State.BACKOFF
    assert not run.is_undisturbed()
    run.database.state, run.stage = State.RUNNING, Stage.PREPARING
    assert not run.is_undisturbed()
    run.stage, run.worker_pool.paused = Stage.WORKING, frozenset({"backfill"})
    assert not run.is_undisturbed()
    run.worker_pool.paused = frozenset()
    says(upsert, away())
    assert not run.is_undisturbed()

"""What went wrong lately: kept without secrets, counted when it comes again, bounded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.logs.faults import FAULTS_KEPT, QUIET, REMEMBERED, Faults
from supervisor.logs.log import Log, as_json
from supervisor.report import FaultRecord
from supervisor.status import formatting
from tasks.redaction import Redactor

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def record(event, level="warning", **more):
    return {"ts": "2026-01-01T00:00:00Z", "level": level, "event": event, **more}


def test_warnings_and_errors_are_kept_and_nothing_else():
    faults = Faults()
    for level in ("debug", "info", "warning", "error"):
        faults.note(record("something", level, message=level, role="upsert", slot=1))
    faults.note(record("died", message="killed"))
    assert [(one.words, one.role, one.slot) for one in faults.kept(NOW)] == [
        ("warning", "upsert", 1),
        ("error", "upsert", 1),
    ]


def test_a_fault_that_comes_again_is_counted_and_becomes_the_newest():
    faults = Faults()
    for event in ("a", "b", "a"):
        faults.note(record(event, error="no answer"))
    assert [(one.event, one.times) for one in faults.kept(NOW)] == [("b", 1), ("a", 2)]


def test_only_the_last_are_kept_and_each_is_short():
    faults = Faults()
    for number in range(3 * FAULTS_KEPT):
        faults.note(record("slow", reason=f"{number} {'x' * 10_000}"))
    assert len(faults.kept(NOW)) == FAULTS_KEPT
    assert faults.kept(NOW)[-1].words.startswith("59 xxx")
    assert max(len(one.words) for one in faults.kept(NOW)) == 300


def test_the_log_remembers_its_faults_without_secrets_whatever_its_level_and_however_often_they_come():
    redactor = Redactor()
    redactor.hide("hunter2")
    log = Log(lambda _line: None, render=as_json, redactor=redactor, level="error")
    log.relay('{"event": "call_failed", "level": "warning", "error": "key=hunter2"}', role="upsert", slot=0, pid=5)
    log.warning("odd", message="hunter2 again")
    assert [(one.event, one.words) for one in log.faults.kept(datetime.now(UTC))] == [
        ("call_failed", "key=•••; a call to the API failed"),
        ("odd", "••• again"),
    ]


def after(minutes):
    return (NOW + timedelta(minutes=minutes)).isoformat()


def told(faults, minutes):
    return [(one.event, one.since, one.until, one.times) for one in faults.kept(NOW + timedelta(minutes=minutes))]


def test_what_was_told_of_a_condition_is_over_with_it_and_an_hour_later_it_is_told_no_more():
    faults = Faults()
    for minutes in (0, 1):
        faults.note(record("database_unavailable", role="upsert", slot=0, error="no answer", ts=after(minutes)))
    faults.note(record("metrics_port_unusable", ts=after(1)))
    faults.condition_ended("calls", after(2))
    assert told(faults, 2) == [
        ("database_unavailable", after(0), None, 2),
        ("metrics_port_unusable", after(1), None, 1),
    ]
    faults.condition_ended("database", after(3))
    assert told(faults, 3)[0] == ("database_unavailable", after(0), after(3), 2)
    assert [one[0] for one in told(faults, 3 + REMEMBERED / timedelta(minutes=1))] == [
        "database_unavailable",
        "metrics_port_unusable",
    ]
    assert told(faults, 64) == [("metrics_port_unusable", after(1), None, 1)], "a port that is taken stays so"


@pytest.mark.parametrize(
    ("event", "kind"),
    [("database_unavailable", "database"), ("database_refuses", "database"), ("calls_stopped", "replies")],
)
def test_what_is_told_once_of_a_condition_is_not_over_before_it(event, kind):
    """An outage that says the same all night is one line of the log."""
    faults = Faults()
    faults.condition_began(kind)
    faults.note(record(event, role="upsert", slot=0, error="no answer", ts=after(0)))
    night = 8 * REMEMBERED / timedelta(minutes=1)
    assert told(faults, night) == [(event, after(0), None, 1)]
    faults.condition_ended(kind, after(night))
    assert told(faults, night + 1) == [(event, after(0), after(night), 1)]


def test_what_begins_again_after_its_end_is_another_fault():
    faults = Faults()
    faults.note(record("call_failed", role="upsert", slot=0, error="no answer", ts=after(0)))
    faults.condition_ended("calls", after(1))
    faults.note(record("call_failed", role="upsert", slot=0, error="no answer", ts=after(5)))
    assert told(faults, 5) == [("call_failed", after(5), None, 1)]


def test_what_a_worker_tells_no_longer_is_over_after_a_while():
    faults = Faults()
    faults.note(record("odd_page", role="upsert", slot=0, ts=after(0)))
    quiet = QUIET / timedelta(minutes=1)
    assert told(faults, quiet) == [("odd_page", after(0), None, 1)]
    assert told(faults, quiet + 1) == [("odd_page", after(0), after(0), 1)]
    faults.note(record("odd_page", role="upsert", slot=0, ts="no time at all"))
    assert told(faults, quiet + 1)[0][2] is None


@given(st.lists(st.booleans(), max_size=12), st.integers(1, 5))
def test_where_there_is_little_room_what_goes_on_comes_before_what_is_over(over, most):
    one = FaultRecord(at=after(0), level="warning", event="", words="")
    faults = [msgspec.structs.replace(one, words=str(n), until=after(1) if o else None) for n, o in enumerate(over)]
    shown = formatting.faults(faults, NOW)[-most:]
    assert len(shown) == min(most, len(faults))
    assert sum(not line.startswith(formatting.OVER) for line in shown) == min(most, over.count(False))

"""What went wrong lately: kept without secrets, counted when it comes again, bounded."""

from __future__ import annotations

from supervisor import logs
from supervisor.faults import FAULTS_KEPT, Faults
from tasks.log import Redactor


def record(event, level="warning", **more):
    return {"ts": "2026-01-01T00:00:00Z", "level": level, "event": event, **more}


def test_warnings_and_errors_are_kept_and_nothing_else():
    faults = Faults(str)
    for level in ("debug", "info", "warning", "error"):
        faults.note(record("something", level, message=level, role="upsert", slot=1))
    faults.note(record("died", message="killed"))
    assert [(one.words, one.role, one.slot) for one in faults.kept()] == [
        ("warning", "upsert", 1),
        ("error", "upsert", 1),
    ]


def test_a_fault_that_comes_again_is_counted_and_becomes_the_newest():
    faults = Faults(str)
    for event in ("a", "b", "a"):
        faults.note(record(event, error="no answer"))
    assert [(one.event, one.times) for one in faults.kept()] == [("b", 1), ("a", 2)]


def test_only_the_last_are_kept_and_each_is_short():
    faults = Faults(str)
    for number in range(3 * FAULTS_KEPT):
        faults.note(record("slow", reason=f"{number} {'x' * 10_000}"))
    assert len(faults.kept()) == FAULTS_KEPT
    assert faults.kept()[-1].words.startswith("59 xxx")
    assert max(len(one.words) for one in faults.kept()) == 300


def test_the_log_remembers_its_faults_without_secrets_whatever_its_level_and_however_often_they_come():
    redactor = Redactor()
    redactor.hide("hunter2")
    log = logs.Log(lambda _line: None, render=logs.as_json, redactor=redactor, level="error")
    log.relay('{"event": "call_failed", "level": "warning", "error": "key=hunter2"}', role="upsert", slot=0, pid=5)
    log.warning("odd", message="hunter2 again")
    assert [(one.event, one.words) for one in log.faults.kept()] == [
        ("call_failed", "a call to the API failed: key=•••"),
        ("odd", "••• again"),
    ]

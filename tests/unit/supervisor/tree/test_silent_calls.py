"""A call that is open for much longer than calls take is told, since it was made, and until something comes of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from ledger import ManualClock
from supervisor.process.heartbeat import Heartbeat
from supervisor.process.spec import Spec
from supervisor.process.states import State
from supervisor.tree.silent_calls import SilentCalls

# As docs/operations.md promises, one look a second.
OPEN_LOOKS, OFFER_LOOKS = 30, 90


@pytest.fixture
def clock():
    return ManualClock(10**12)


@pytest.fixture
def calls(clock):
    return SilentCalls(SimpleNamespace(now_ns=clock.now_ns), lambda: "https://user:word@api.example.com")


def worker(clock, detail, *, phase="calling", state=State.RUNNING, pid=101):
    spec = Spec(role="upsert", slot=0, hang_s=60)
    beat = Heartbeat(phase=phase, detail=detail)
    return SimpleNamespace(spec=spec, beat=beat, beat_ns=clock.now_ns(), state=state, pid=pid)


def look(calls, clock, slot, times, suspended=()):
    changes = 0
    for _ in range(times):
        clock.advance_s(1)
        changes += calls.look([slot], suspended)
    return changes


@pytest.mark.parametrize(
    ("detail", "endpoint", "most"),
    [
        ("/deal deal x1", "/deal", OPEN_LOOKS),
        ("/token", "/token", OPEN_LOOKS),
        ("shop one: /deal deal x1", "/deal", OPEN_LOOKS),
        ("/product product:history x100", "/product", OPEN_LOOKS),
        ("/product product:offers+stock x20", "/product", OFFER_LOOKS),
        ("shop one: /product product:stats+buybox x20", "/product", OFFER_LOOKS),
    ],
)
def test_an_open_call_is_told_once_since_it_was_made_and_until_the_next_beat(calls, clock, detail, endpoint, most):
    slot = worker(clock, detail)
    assert look(calls, clock, slot, most) == 0
    assert look(calls, clock, slot, 100) == 1
    ((who, told),) = calls.conditions()
    assert (who, told.kind) == ("upsert-0", "calls")
    assert told.why == f"api.example.com: {endpoint} has had no answer for more than {most} s"
    assert told.late_s == most + 1
    made_at = datetime.now(UTC) - timedelta(seconds=told.late_s)
    assert abs((told.since - made_at).total_seconds()) < 60
    slot.beat_ns = clock.now_ns()
    assert look(calls, clock, slot, 1) == 1
    assert calls.conditions() == []


@pytest.mark.parametrize(
    "slot",
    [
        {"detail": "again in 5 s: api.example.com: /deal: no reply: no answer in time"},
        {"detail": "again in 5 s: 502 for /deal: an empty body"},
        {"detail": "calls for /deal new are stopped: most replies cannot be used"},
        {"detail": "/deal deal x1", "phase": "waiting_tokens"},
        {"detail": "/deal deal x1", "state": State.STOPPING},
        {"detail": "/deal deal x1", "pid": None},
    ],
)
def test_what_waits_for_something_else_has_no_open_call(calls, clock, slot):
    assert look(calls, clock, worker(clock, **slot), 200) == 0


def test_a_suspended_worker_is_told_as_that_alone_and_its_call_is_counted_anew(calls, clock):
    slot = worker(clock, "/deal deal x1")
    assert look(calls, clock, slot, 100, suspended={101}) == 0
    assert look(calls, clock, slot, OPEN_LOOKS) == 0


def test_after_the_supervisor_itself_stood_still_no_call_is_open_for_too_long(calls, clock):
    slot = worker(clock, "/deal deal x1")
    clock.advance_s(3_600)
    assert look(calls, clock, slot, OPEN_LOOKS) == 0

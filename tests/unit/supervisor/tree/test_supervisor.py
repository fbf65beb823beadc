"""The second signal: it kills when it came half a second after the first was told, and is the same wish before."""

from __future__ import annotations

import signal
from types import BuiltinMethodType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger import ManualClock
from supervisor.config import run_plan
from supervisor.config.settings import load_settings
from supervisor.database import shared_ledger
from supervisor.eventloop.loop import Loop, MonotonicClock
from supervisor.eventloop.signals import Signals
from supervisor.logs.log import Log, as_json
from supervisor.process.states import Stage
from supervisor.tree.signals import HANDLED
from supervisor.tree.supervisor import LEDGER_AGAIN_S, Supervisor
from tasks.errors import EXIT_CONFIG, ConfigError, DatabaseTransient
from tasks.redaction import Redactor
from tasks.secret import Secret
from tests.fakes.waiting import wait_until

HALF_MS = 500
NUMBERS = st.sampled_from((signal.SIGINT, signal.SIGTERM, signal.SIGHUP))


@pytest.fixture
def make_run(tmp_path):
    """Makes runs that have not begun, on a clock that stands still."""
    loops = []

    def make():
        clock = ManualClock(10**12)
        loops.append(Loop(clock))
        environ = {"STATE_DIR": str(tmp_path / "state")}
        plan = run_plan.make_run_plan(load_settings(environ, dotenv=None))
        plan.state.make()
        lines = []
        log = Log(lines.append, render=as_json, redactor=Redactor())
        return Supervisor(plan, loops[-1], log), clock, loops[-1]

    yield make
    for loop in loops:
        loop.close()


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NUMBERS, st.lists(st.tuples(st.integers(0, 1_000), st.booleans(), NUMBERS), max_size=8))
def test_only_what_came_half_a_second_after_the_first_was_told_is_another_wish(make_run, first, others):
    """What comes while the loop is held up may have come sooner than it is handed over: that is the same wish."""
    run, clock, loop = make_run()
    run.on_signal(first)
    told_ms, killers, is_another = 0, [], False
    for after_ms, is_loop_free, number in others:
        clock.advance_s(after_ms / 1_000)
        told_ms += after_ms
        if is_loop_free:
            loop.wake()
            loop.step()
            is_another |= told_ms >= HALF_MS
        run.on_signal(number)
        killers += [number] if is_another else []
    assert run.exit_code == (128 + killers[0] if killers else 0)
    run.close()


def test_what_comes_during_a_call_is_handed_over_before_a_deadline_that_passes_meanwhile():
    done = []

    def long_call():
        signal.raise_signal(signal.SIGUSR1)
        loop.after(0, lambda: done.append("a deadline"))

    with Loop(MonotonicClock()) as loop, Signals(loop, lambda number: done.append(number.name), (signal.SIGUSR1,)):
        loop.after(0, long_call)
        wait_until(lambda: loop.step() or len(done) == 2, "both")
    assert done == ["SIGUSR1", "a deadline"]


def test_no_handler_can_be_interrupted_by_the_next_signal():
    """One that is written in Python can, before its first line: a flood then goes beyond the limit of recursion."""
    with Loop(MonotonicClock()) as loop, Signals(loop, lambda _: None, HANDLED):
        assert {type(signal.getsignal(one)) for one in HANDLED} == {BuiltinMethodType}


def test_a_ledger_whose_database_is_away_at_the_start_is_waited_for_and_what_does_not_pass_ends_the_run(
    make_run, monkeypatch
):
    run, clock, loop = make_run()
    found = [DatabaseTransient("it is starting"), DatabaseTransient("it is starting"), ConfigError("no rights")]
    tries = []

    def create(*_):
        tries.append(run.stage)
        raise found[len(tries) - 1]

    def looked():
        clock.advance_s(LEDGER_AGAIN_S)
        loop.wake()
        loop.step()
        return run.stage is not Stage.PREPARING

    monkeypatch.setattr(shared_ledger, "create_ledgers", create)
    monkeypatch.setattr(run.maintenance, "begin", lambda _url: None)
    run.base_url = "http://127.0.0.1:1"
    run.database_up(Secret("postgresql:///nowhere"))
    wait_until(looked, "the end of the run")
    assert (tries, run.exit_code) == ([Stage.PREPARING] * 3, EXIT_CONFIG)
    run.close()

"""A run in this process: its signals and exit codes, and a start whose database is away."""

from __future__ import annotations

import signal
from types import BuiltinMethodType

import pytest

from ledger import ManualClock
from supervisor.config import run_plan
from supervisor.config.settings import load_settings
from supervisor.database import shared_ledger
from supervisor.eventloop.loop import Loop, MonotonicClock
from supervisor.eventloop.signals import Signals
from supervisor.logs.log import Log, as_json
from supervisor.process.launch import SimulatorLaunch
from supervisor.process.spec import NOTIFY, Spec
from supervisor.process.states import Event, Stage, State
from supervisor.tree.signals import HANDLED
from supervisor.tree.supervisor import LEDGER_AGAIN_S, SIGNAL_BASE, Supervisor
from tasks.errors import EXIT_CONFIG, EXIT_OK, ConfigError, DatabaseTransient
from tasks.redaction import Redactor
from tasks.secret import Secret
from tests.fakes.waiting import wait_until


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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_was_killed_by_a_signal_says_which_with_its_exit_code(make_run, number):
    run, _, _ = make_run()
    run.stop(EXIT_OK)
    run.kill(number)
    assert run.exit_code == SIGNAL_BASE + number
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


@pytest.mark.parametrize(("killed", "fed"), [(False, []), (True, [Event.KILL])])
def test_a_process_of_messages_that_only_begins_is_waited_for_unless_the_run_is_killed(
    make_run, killed, fed, monkeypatch
):
    """However long that takes: its own time limit for being ready ends the wait."""
    run, clock, loop = make_run()
    slot = run.tree.add_service(Spec(role=NOTIFY, slot=0), SimulatorLaunch(settings=run.plan.settings))
    slot.state, asked = State.STARTING, []
    monkeypatch.setattr(slot, "feed", asked.append)
    run.stop(EXIT_OK)
    run.stage = Stage.STOPPING_DATABASE
    if killed:
        run.kill(signal.SIGINT)
    run._stop_services()
    assert asked == []
    clock.advance_s(60)
    loop.wake()
    loop.step()
    assert (asked, run.stage) == (fed, Stage.STOPPING_SERVICES)
    run.close()

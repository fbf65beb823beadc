"""The second signal: it kills when it came half a second after the first was told, and is the same wish before."""

from __future__ import annotations

import signal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger import ManualClock
from supervisor import config, logs, plan
from supervisor.loop import Loop
from supervisor.run import Run
from tasks.log import Redactor

S = 1_000_000_000
NUMBERS = st.sampled_from((signal.SIGINT, signal.SIGTERM, signal.SIGHUP))


@pytest.fixture
def make_run(tmp_path):
    """Makes runs that have not begun, on a clock that stands still."""
    loops = []

    def make():
        clock = ManualClock(10**12)
        loops.append(Loop(clock))
        environ = {"STATE_DIR": str(tmp_path / "state")}
        wanted = plan.make(config.load(environ, dotenv=None))
        wanted.state.make()
        lines = []
        return Run(wanted, loops[-1], logs.Log(lines.append, render=logs.as_json, redactor=Redactor())), clock

    yield make
    for loop in loops:
        loop.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NUMBERS, st.lists(st.tuples(NUMBERS, st.integers(-S, 2 * S)), max_size=5), st.integers(0, S))
def test_only_what_came_half_a_second_after_the_first_was_told_is_another_wish(make_run, first, others, late_ns):
    run, clock = make_run()
    came_ns = clock.now_ns()
    clock.advance_s(late_ns / S)  # the loop was held up
    told_ns = clock.now_ns()
    run.hear(first, came_ns)
    killers = []
    for number, after_ns in sorted(others, key=lambda one: one[1]):
        run.hear(number, told_ns + after_ns)
        killers += [number] if after_ns >= S // 2 else []
    assert run.exit_code == (128 + killers[0] if killers else 0)
    run.close()

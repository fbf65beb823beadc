"""The server's time is carried on between its answers; a clock that was set is told from an answer that took long."""

from hypothesis import given
from hypothesis import strategies as st

from ledger import ManualClock
from tasks.store.ledger_row.server_clock import ServerClock

S = 1_000_000_000
SERVER_NS = 1_700_000_000 * S


def told(clock, local, server_ns, *, there_s=0.0, back_s=0.0):
    """The step that an answer shows, which left `there_s` after the question and came `back_s` later."""
    asked_ns = local.now_ns()
    local.advance_s(there_s + back_s)
    step_ns = clock.step_ns(server_ns + round(there_s * S), asked_ns, local.now_ns())
    clock.set(server_ns + round(there_s * S), asked_ns, local.now_ns())
    return step_ns


def test_the_time_goes_on_by_this_machines_clock_and_is_never_ahead_of_the_servers():
    local = ManualClock(5 * S)
    clock = ServerClock(local)
    assert told(clock, local, SERVER_NS, there_s=1, back_s=2) == 0
    local.advance_s(10)
    assert clock.now_ns() == SERVER_NS + 11 * S  # the server's is two seconds later
    assert clock.ahead_ns == 8 * S - (SERVER_NS + S)


@given(st.lists(st.tuples(st.floats(0, 600), st.floats(0, 30), st.floats(0, 30)), min_size=1, max_size=20))
def test_no_answer_however_late_looks_like_a_clock_that_was_set(answers):
    local = ManualClock(0)
    clock = ServerClock(local)
    for pause_s, there_s, back_s in answers:
        local.advance_s(pause_s)
        assert told(clock, local, SERVER_NS + local.now_ns(), there_s=there_s, back_s=back_s) == 0


@given(st.floats(3, 10_000), st.sampled_from([1, -1]), st.floats(0, 300))
def test_a_clock_that_was_set_is_noticed_and_by_how_much(step_s, sign, pause_s):
    local = ManualClock(0)
    clock = ServerClock(local)
    told(clock, local, SERVER_NS)
    local.advance_s(pause_s)
    step_ns = told(clock, local, SERVER_NS + local.now_ns() + sign * round(step_s * S))
    assert abs(step_ns - sign * step_s * S) < S

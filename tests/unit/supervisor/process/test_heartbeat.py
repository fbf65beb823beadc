"""Waiting as promised is not hanging; silence and going in circles are."""

from hypothesis import given
from hypothesis import strategies as st

from supervisor.process.heartbeat import Heartbeat, hung_at_ns, says_something_new

S = 1_000_000_000
moments = st.integers(0, 10**15)


@given(moments, moments, st.integers(0, 7200))
def test_a_worker_that_waits_for_tokens_is_not_hung_before_its_time_and_the_margin(now_ns, ledger_ns, wait_s):
    beat = Heartbeat(phase="waiting_tokens", until_ns=ledger_ns + wait_s * S)
    assert hung_at_ns(beat, now_ns=now_ns, ledger_now_ns=ledger_ns, hang_s=120) == now_ns + (wait_s + 120) * S


@given(moments, moments)
def test_a_promise_that_lies_in_the_past_counts_for_nothing(now_ns, ledger_ns):
    beat = Heartbeat(phase="calling", until_ns=ledger_ns - S)
    assert hung_at_ns(beat, now_ns=now_ns, ledger_now_ns=ledger_ns, hang_s=120) == now_ns + 120 * S


def test_the_same_words_again_are_no_sign_of_life():
    beat = Heartbeat(phase="calling", progress=3)
    assert says_something_new(beat, None)
    assert not says_something_new(Heartbeat(phase="calling", progress=3, detail="other words", rows={"deals": 1}), beat)
    assert says_something_new(Heartbeat(phase="calling", progress=4), beat)
    assert says_something_new(Heartbeat(phase="writing", progress=3), beat)
    assert says_something_new(Heartbeat(phase="calling", progress=3, until_ns=1), beat)


def test_who_waits_for_work_has_nothing_new_to_say():
    beat = Heartbeat(phase="waiting_work", progress=3)
    assert says_something_new(beat, beat)

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


def test_a_wait_that_is_promised_once_more_is_no_sign_of_life_and_a_longer_one_is():
    beat = Heartbeat(phase="waiting_tokens", until_ns=5)
    assert not says_something_new(Heartbeat(phase="waiting_tokens", until_ns=5), beat)
    assert says_something_new(Heartbeat(phase="waiting_tokens", until_ns=6), beat)


@given(moments, moments)
def test_a_worker_that_promises_nothing_is_hung_after_the_margin(now_ns, ledger_ns):
    beat = Heartbeat(phase="calling")
    assert hung_at_ns(beat, now_ns=now_ns, ledger_now_ns=ledger_ns, hang_s=0.5) == now_ns + S // 2


def test_the_shortest_promise_counts():
    beat = Heartbeat(phase="calling", until_ns=8)
    assert hung_at_ns(beat, now_ns=100, ledger_now_ns=7, hang_s=0) == 101


def test_a_worker_that_has_done_nothing_yet_says_so():
    assert Heartbeat(phase="starting").progress == 0

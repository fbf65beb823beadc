"""After a 429 a request comes back to the gate at once, and after the next refill where the gate knows no better."""

from types import SimpleNamespace

import pytest

from ledger import NS_PER_S, ManualClock, Reading
from tasks.calls.too_many_requests import AFTER_REFILL_S, AT_ONCE_S, TooManyRequests

NOW_NS = 10**15
TICK_S = 60.0


def reading(refill_in_ms):
    return Reading(tokens_left=-3, refill_rate=5, refill_in_ms=refill_in_ms, server_ms=5)


@pytest.fixture
def seconds_after():
    """Seconds until a call comes back that has waited so long and was refused with such a reading."""
    ledger = SimpleNamespace(standing=lambda: SimpleNamespace(tick_s=TICK_S))
    row = TooManyRequests(SimpleNamespace(clock=ManualClock(NOW_NS), ledger=ledger))

    def after(refill_in_ms, *, waited_s=0.0):
        idle = row.refused(reading(refill_in_ms), waited_s=waited_s)
        assert (idle.phase, idle.is_held) == ("waiting_tokens", False)
        return (idle.until_ns - NOW_NS) / NS_PER_S

    after.row = row
    return after


def test_the_second_in_a_row_without_a_wait_waits_for_the_next_refill(seconds_after):
    assert seconds_after(20_000) == 0
    assert seconds_after(20_000) == pytest.approx(20 + AFTER_REFILL_S)
    assert seconds_after(20_000, waited_s=AT_ONCE_S) == 0, "the gate was closed, so it knew"


def test_a_reply_ends_the_row(seconds_after):
    seconds_after(20_000)
    seconds_after.row.answered()
    assert seconds_after(20_000) == 0


@pytest.mark.parametrize(("refill_in_ms", "waits_s"), [(10**9, TICK_S), (-5, 0.0)])
def test_no_wait_is_longer_than_a_tick_or_less_than_none_whatever_the_reply_says(seconds_after, refill_in_ms, waits_s):
    seconds_after(refill_in_ms)
    assert seconds_after(refill_in_ms) == pytest.approx(waits_s + AFTER_REFILL_S)

"""The pace of the work against the truth: steady, slow for a minute, stopped and gone on with."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.planning.forecast import GROUP_S, MOST_GROUPS, Forecast, TokenSupply, WorkPace, left_s

PACES, BATCHES, SEEDS = st.floats(0.02, 2), st.integers(10, 100), st.integers(0, 2**16)
SPREAD = 0.25  # by so much a batch differs from the others


class Machine:
    """Works at a pace that is known, batch after batch."""

    def __init__(self, per_item_s, batch, seed):
        self.per_item_s, self.batch, self.chance = per_item_s, batch, random.Random(seed)
        self.seen = WorkPace()
        self.seconds = 0.0

    def work(self, seconds, times_slower=1.0):
        """Go on for so long, one batch at least."""
        until = self.seconds + seconds
        while True:
            spread = self.chance.uniform(1 - SPREAD, 1 + SPREAD)
            took = self.batch * self.per_item_s * spread * times_slower
            self.seen.read(self.batch, took)
            self.seconds += took
            if self.seconds >= until:
                return

    def is_near(self):
        return 1 - SPREAD <= self.seen.per_item_s() / self.per_item_s * (1 + 1e-9) <= (1 + SPREAD) * (1 + 2e-9)


# A batch that takes long fills a group by itself, and a load outlasts as many groups as it has batches.
def rounds(machine, seconds):
    """Seconds of work for one group more than `seconds` can fill, whatever the batches take."""
    return (seconds / GROUP_S + 2) * (GROUP_S + machine.batch * machine.per_item_s * (1 + SPREAD))


@given(per_item_s=PACES, batch=BATCHES, seed=SEEDS)
def test_a_steady_pace_is_told_from_the_first_batch_on(per_item_s, batch, seed):
    machine = Machine(per_item_s, batch, seed)
    for _ in range(50):
        machine.work(0)
        assert machine.is_near()


@settings(max_examples=25)
@given(per_item_s=PACES, batch=BATCHES, seed=SEEDS, slower=st.floats(1, 50))
def test_a_minute_of_load_changes_nothing_after_a_minute_of_work(per_item_s, batch, seed, slower):
    machine = Machine(per_item_s, batch, seed)
    machine.work(rounds(machine, 60))
    until = machine.seconds + 60
    while machine.seconds < until:
        machine.work(0, slower)
        assert machine.is_near()
    machine.work(0)
    assert machine.is_near()


@given(per_item_s=PACES, batch=BATCHES, seed=SEEDS, before=st.integers(0, 200), stopped_s=st.floats(1, 1e6))
def test_a_batch_in_which_the_process_was_stopped_counts_once_and_no_longer_than_a_batch(
    per_item_s, batch, seed, before, stopped_s
):
    machine = Machine(per_item_s, batch, seed)
    for _ in range(before):
        machine.work(0)
    machine.seen.read(batch, batch * per_item_s + stopped_s)
    machine.work(2 * GROUP_S)
    assert machine.is_near()


@settings(max_examples=25)
@given(per_item_s=PACES, batch=BATCHES, seed=SEEDS, slower=st.floats(0.02, 50))
def test_a_pace_that_stays_another_is_told_once_it_is_half_of_what_is_remembered(per_item_s, batch, seed, slower):
    machine = Machine(per_item_s, batch, seed)
    for _ in range(100):
        machine.work(0)
    machine.per_item_s *= slower
    for _ in range(MOST_GROUPS // 2 + 2):
        machine.work(GROUP_S)
    assert machine.is_near()


@given(slower=st.floats(1, 50), rate=st.floats(1, 1e4), items=st.integers(1, 10**6))
def test_a_minute_of_load_makes_the_time_left_no_more_than_a_quarter_longer(slower, rate, items):
    supply = TokenSupply(spare=1e9, refill=rate, tick_s=60.0, next_tick_s=30.0, share=0.2)
    forecast, per_item_s = Forecast(), 0.02
    for _ in range(40):
        forecast.read_work(100, 100 * per_item_s)
    truly_s = left_s(items, forecast.pace(2.0, 1), supply)
    loaded_s = 0.0
    while loaded_s < 60:
        loaded_s += 100 * per_item_s * slower
        forecast.read_work(100, 100 * per_item_s * slower)
    assert truly_s <= left_s(items, forecast.pace(2.0, 1), supply) <= 1.25 * truly_s


def test_nothing_is_told_before_the_first_batch_and_no_batch_without_items_counts():
    pace = WorkPace()
    assert pace.per_item_s() == 0
    pace.read(0, 3.0)
    assert pace.per_item_s() == 0
    pace.read(10, 1.0)
    pace.read(30, 2.0)
    assert pace.per_item_s() == pytest.approx(3 / 40)

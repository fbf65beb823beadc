"""What keeps a run from its work: each begins once and ends once, whoever tells it, in whatever order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import localtime
from supervisor.process.conditions import (
    REPEAT_S,
    SETTLE_S,
    SUPERVISOR,
    ConditionFrom,
    Conditions,
    ReportedCondition,
    conditions_of_child,
    describe_condition,
)

S = 1_000_000_000
START = datetime(2026, 1, 1, tzinfo=UTC)
KINDS = ("database", "calls", "spool")
REPORT = st.builds(
    lambda who, kind, second, why: ConditionFrom(who, condition(kind, second, why)),
    st.sampled_from((SUPERVISOR, "upsert-0", "backfill-0", "backfill-1")),
    st.sampled_from(KINDS),
    st.integers(0, 60),
    st.sampled_from(("away", "read only")),
)
STEPS = st.lists(st.tuples(st.floats(0, 8), st.lists(REPORT, max_size=6)), max_size=40)


def condition(kind="database", second=0, why="away"):
    return ReportedCondition(kind=kind, since=START + timedelta(seconds=second), why=why)


def played(steps, order=lambda reports: reports):
    """Every news with its time, and what held after each step."""
    one, now_ns, news, states = Conditions(), 10**12, [], []
    for pause_s, reports in steps:
        now_ns += round(pause_s * S)
        news += [(now_ns, new) for new in one.update(order(reports), now_ns)]
        states.append((now_ns, reports, one.records()))
    return news, states


@given(STEPS)
def test_every_beginning_has_one_end_with_its_length_and_no_end_is_reported_twice(steps):
    news, states = played([*steps, (SETTLE_S, []), (0, [])])
    for kind in KINDS:
        its = [(at_ns, new) for at_ns, new in news if new.condition.kind == kind]
        assert [new.lasted_s is None for _, new in its] == [True, False] * (len(its) // 2)
        assert len(its) % 2 == 0, "it is over at last"
        for (began_ns, _), (ended_ns, end) in zip(its[::2], its[1::2], strict=True):
            last_ns = max(
                at for at, reports, _ in states if at < ended_ns and kind in {one.condition.kind for one in reports}
            )
            assert end.lasted_s == round((last_ns - began_ns) / S, 3), (
                "it lasted until it was reported for the last time"
            )
    assert states[-1][2] == ()


@given(st.floats(0, 600), st.floats(0, 600))
def test_what_could_be_reported_only_late_lasted_from_its_beginning(late_s, reported_s):
    one, silent = Conditions(), ReportedCondition(kind="database", since=START, why="no answer", late_s=late_s)
    ends_ns = round(reported_s * S)
    (begin,) = one.update([ConditionFrom(SUPERVISOR, silent)], 0)
    assert (begin.lasted_s, begin.late_s) == (None, pytest.approx(late_s, abs=0.001))
    one.update([ConditionFrom(SUPERVISOR, silent)], ends_ns)
    (end,) = one.update([], ends_ns + round(SETTLE_S * S))
    assert abs(end.lasted_s - (late_s + reported_s)) < 0.01
    assert end.lasted_s >= begin.late_s, "no end is told of less than its beginning was told of"


def test_the_first_beginning_counts_whoever_knows_it_and_each_says_once_how_late_it_knew():
    one, known, silent = (
        Conditions(),
        condition(second=9),
        ReportedCondition(kind="database", since=START, why="mute", late_s=8),
    )
    one.update([ConditionFrom(SUPERVISOR, known)], 0)
    for second in range(1, 5):
        one.update([ConditionFrom(SUPERVISOR, known), ConditionFrom("upsert-0", silent)], second * S)
    (end,) = one.update([], 9 * S)
    assert end.lasted_s == 8 - 1 + 4


@given(STEPS, st.randoms(use_true_random=False))
def test_the_order_in_which_it_is_reported_does_not_matter(steps, chance):
    assert played(steps) == played(steps, lambda reports: chance.sample(reports, len(reports)))


@given(STEPS)
def test_what_is_reported_holds_since_the_earliest_that_anyone_reported_and_says_who(steps):
    _, states = played(steps)
    before = {}
    for _, reports, records in states:
        now = {one.kind: one for one in records}
        assert {one.condition.kind for one in reports} <= set(now)
        for kind, one in now.items():
            tellers = [teller for teller in reports if teller.condition.kind == kind]
            earliest = [*(teller.condition.since for teller in tellers), *([before[kind]] if kind in before else [])]
            assert datetime.fromisoformat(one.since) == min(earliest)
            if tellers:
                assert one.who == tuple(sorted({teller.who for teller in tellers}))
        before = {kind: datetime.fromisoformat(one.since) for kind, one in now.items()}


@given(st.integers(1, 200), st.floats(0.01, SETTLE_S / 2.01))
def test_what_comes_and_goes_quickly_is_one_condition(times, pause_s):
    flapping = [(pause_s, reports) for _ in range(times) for reports in ([ConditionFrom("upsert-0", condition())], [])]
    news, _ = played([*flapping, (SETTLE_S, [])])
    assert [new.lasted_s is None for _, new in news] == [True, False]


def test_slow_flapping_is_reported_no_more_often_than_it_settles():
    news, _ = played([(0.1, [ConditionFrom("upsert-0", condition())] if step % 40 < 5 else []) for step in range(1200)])
    assert len(news) <= 2 * 120 / SETTLE_S


def test_a_worker_takes_over_from_another_and_the_beginning_stays():
    news, states = played(
        [
            (
                1,
                [
                    ConditionFrom("backfill-0", condition(second=5)),
                    ConditionFrom("upsert-0", condition(second=9, why="read only")),
                ],
            ),
            (1, [ConditionFrom("upsert-0", condition(second=9, why="read only"))]),
            (50, [ConditionFrom("upsert-0", condition(second=60))]),
            (SETTLE_S, []),
        ]
    )
    assert len({records[0].since for _, _, records in states[:-1]}) == 1
    assert [new.lasted_s for _, new in news] == [None, 51.0]


def test_the_supervisors_own_words_go_first():
    _, states = played(
        [
            (
                0,
                [
                    ConditionFrom("upsert-0", condition(second=1, why="no")),
                    ConditionFrom(SUPERVISOR, condition(second=2, why="read only")),
                ],
            )
        ]
    )
    (record,) = states[0][2]
    assert describe_condition(record) == f"database: read only (since {localtime.clock(START + timedelta(seconds=1))})"
    assert record.who == (SUPERVISOR, "upsert-0")


@given(st.lists(st.sampled_from(KINDS)), st.lists(st.sampled_from(KINDS)), st.integers(0, 3), st.floats(0, 60))
def test_what_a_dead_worker_reported_holds_until_the_next_one_disproves_it(now, before, progress, served_s):
    now_reported, left = [condition(kind, 2) for kind in set(now)], [condition(kind, 1) for kind in set(before)]
    kinds = [one.kind for one in conditions_of_child(now_reported, left, progress=progress, served_s=served_s)]
    assert len(kinds) == len(set(kinds))
    is_disproved = progress > 0 or served_s >= REPEAT_S
    assert set(kinds) == (set(now) if is_disproved else set(now) | set(before))
    assert set(before) <= {one.kind for one in conditions_of_child(now_reported, left, progress=0, served_s=None)}


def test_a_condition_is_over_three_seconds_after_it_was_reported_for_the_last_time_and_not_before():
    one, reports = Conditions(), [ConditionFrom("upsert-0", condition())]
    assert [new.lasted_s for new in one.update(reports, 0)] == [None]
    assert one.update([], 3 * S - 1) == []
    assert [new.lasted_s for new in one.update([], 3 * S)] == [0]


def test_how_long_it_lasted_is_reported_to_the_millisecond():
    one, reports = Conditions(settle_s=0.5), [ConditionFrom("upsert-0", condition())]
    one.update(reports, 0)
    one.update(reports, 1_234_567_000)
    assert [new.lasted_s for new in one.update([], 2 * S)] == [1.235]


def test_what_is_reported_again_after_its_time_goes_on():
    one, reports = Conditions(), [ConditionFrom("upsert-0", condition())]
    one.update(reports, 0)
    assert one.update(reports, 60 * S) == []
    assert [new.lasted_s for new in one.update([], 63 * S)] == [60]


def test_several_begin_and_end_in_the_order_of_their_names():
    one, reports = Conditions(), [ConditionFrom("upsert-0", condition(kind)) for kind in KINDS]
    assert [new.condition.kind for new in one.update(reports, 0)] == sorted(KINDS)
    assert [record.kind for record in one.records()] == sorted(KINDS)
    assert [new.condition.kind for new in one.update([], 3 * S)] == sorted(KINDS)
    assert one.records() == ()


def test_of_several_that_could_tell_only_late_the_latest_says_since_when():
    one = Conditions()
    late = [
        ConditionFrom(who, ReportedCondition(kind="calls", since=START, why="mute", late_s=late_s))
        for who, late_s in (("upsert-0", 2.0), ("backfill-0", 5.0), ("backfill-1", 3.0))
    ]
    one.update(late, 10 * S)
    assert [new.lasted_s for new in one.update([], 20 * S)] == [5]


def test_whoever_has_reported_it_for_longest_gives_the_reason():
    reports = [
        ConditionFrom("upsert-0", condition(second=4, why="refused")),
        ConditionFrom("backfill-0", condition(second=3, why="away")),
        ConditionFrom("backfill-1", condition(second=9, why="read only")),
    ]
    (new,) = Conditions().update(reports, 0)
    assert (new.condition.why, new.condition.who) == ("away", ("backfill-0", "backfill-1", "upsert-0"))
    assert new.condition.since == "2026-01-01T00:00:03.000+00:00"


@pytest.mark.parametrize(
    ("progress", "served_s", "holds"), [(0, None, True), (0, 9.9, True), (0, 10.0, False), (1, None, False)]
)
def test_a_step_or_ten_seconds_in_service_disprove_what_a_dead_worker_reported(progress, served_s, holds):
    left = [condition("calls", 1)]
    assert conditions_of_child([], left, progress=progress, served_s=served_s) == (left if holds else [])


def test_what_a_worker_says_itself_goes_before_what_the_dead_one_reported_of_the_same():
    mine, left = condition("calls", 9, "read only"), [condition("calls", 1), condition("spool", 1)]
    assert conditions_of_child([mine], left, progress=0, served_s=1.0) == [mine, left[1]]

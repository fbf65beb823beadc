"""The document: the same results make the same bytes, and nothing our strategy does wrong is left out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.scenarios import document, grid, verdict
from benchmarks.scenarios.measures import Recorder, Result, Story, quantile
from benchmarks.scenarios.scenario import Scenario
from benchmarks.scenarios.table import duration, percent
from benchmarks.scenarios.verdict import Fault

GOOD = Result(
    delay_p50_s=0.0,
    delay_p99_s=59.0,
    delay_max_s=7_000.0,
    details_part=1.0,
    upsert_part=0.3,
    backfill_part=0.7,
    backfill_gap_s=600.0,
    utilisation=0.98,
    expired=0,
    expired_waiting=0,
    at_zero_part=0.001,
    refused=0,
    lowest=10,
    end_balance=150,
)
OURS = Scenario(strategy="ours", rate=5, part=0.3, hours=24, seed=1)


def results(**changes):
    found = dict.fromkeys(grid.everything(1), GOOD)
    return found | {OURS: replace(GOOD, **changes)}


def test_the_document_has_a_table_for_each_plan_and_a_row_for_each_run():
    text = document.text(results(), 1)
    assert text == document.text(results(), 1)
    assert text.count("### ") == len(grid.RATES) + len(grid.WEEK_RATES)
    assert text.count("| **ours** |") == (len(grid.RATES) + len(grid.WEEK_RATES)) * len(grid.PARTS)
    assert "Nowhere in these runs." in text
    assert "$" not in text


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"refused": 1}, Fault.REFUSED),
        ({"expired_waiting": 1}, Fault.EXPIRED),
        ({"backfill_part": 0.18}, Fault.SHARE),
        ({"delay_p99_s": 200.0}, Fault.DELAY),
        ({"details_part": 0.9}, Fault.DETAILS),
    ],
)
def test_a_promise_not_kept_by_ours_is_told_with_its_run(changes, fault):
    text = document.text(results(**changes), 1)
    assert fault.value in text
    assert "5 a minute at 30 % for 24 h" in text
    assert "Nowhere" not in text


def test_details_may_be_left_when_upsert_gets_what_the_share_leaves_and_the_past_promised_nothing():
    poor = replace(GOOD, details_part=0.1, upsert_part=0.8, backfill_part=0.2)
    assert verdict.faults(replace(OURS, part=4.0), poor) == set()
    assert verdict.faults(replace(OURS, strategy="50/50"), replace(poor, refused=5, backfill_part=0.0)) == set()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (89.4, "89 s"), (90, "2 min"), (5_340, "89 min"), (5_400, "1.5 h"), (86_400, "24.0 h")],
)
def test_a_duration_is_told_in_the_unit_a_person_would_choose(seconds, text):
    assert duration(seconds) == text


def test_small_parts_are_told_from_none():
    assert [percent(part) for part in (0, 0.004, 0.0996, 1)] == ["0.0 %", "0.4 %", "10 %", "100 %"]


def test_quantiles_of_few_values_and_of_none():
    assert [quantile([1, 2, 3, 4], part) for part in (0.5, 0.99)] == [3, 4]
    assert quantile([], 0.5) == 0


def test_the_recorder_adds_up_time_below_zero_gaps_and_tokens_lost_beside_a_waiter():
    recorder = Recorder(0, 10)
    recorder.balance(100, 0, 0)
    recorder.balance(300, 5, 0)
    recorder.waiting.add("upsert")
    recorder.balance(400, 5, 7)
    recorder.waiting.clear()
    recorder.backfill(250)
    recorder.spent("backfill", 20)
    recorder.refused()
    result = recorder.result(1_000, 100, 9)
    assert result.at_zero_part == 0.2
    assert (result.expired, result.expired_waiting, result.refused, result.lowest) == (9, 7, 1, 0)
    assert result.backfill_gap_s == 750 / 10**9
    assert result.backfill_part == 0.2
    assert result.utilisation == 20 / 110


def test_the_pictures_are_small_and_the_same_each_time(tmp_path):
    pytest.importorskip("matplotlib")
    from benchmarks.scenarios import pictures
    from benchmarks.scenarios.strategies import STRATEGIES

    hour = pictures.HOUR_NS
    story = Story(balance=[(0, 50), (hour, 100)], details=[(1, 5)], history=[(1, 2)], waits=[(0, hour)])
    for name in ("one", "two"):
        pictures.balance(dict.fromkeys(STRATEGIES, story), tmp_path / f"{name}-balance.svg")
        pictures.deals(dict.fromkeys(STRATEGIES, story), tmp_path / f"{name}-deals.svg")
    for what in ("balance", "deals"):
        one, two = ((tmp_path / f"{name}-{what}.svg").read_bytes() for name in ("one", "two"))
        assert one == two
        assert len(one) < 150_000


@pytest.mark.parametrize(("rate", "gates"), [(1, {"upsert": 10, "backfill": 30}), (5, {"upsert": 50, "backfill": 150})])
def test_the_gates_drawn_are_clipped_on_a_small_plan(rate, gates):
    pytest.importorskip("matplotlib")
    from benchmarks.scenarios.pictures import gates_of

    assert gates_of(rate) == gates

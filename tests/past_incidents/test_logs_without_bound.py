"""A log that grows with every look at the balance.

Rows 59, 60: 1,440 forced looks a day, each with its lines; 115 MB of log in June, 1.6 GB in August.
"""

from __future__ import annotations

import json

import pytest

from ledger import ManualClock
from supervisor.eventloop.loop import Loop
from supervisor.logs.log import Log, as_json
from tasks.redaction import Redactor
from tests.fixtures.server import WIDE

HOURS = 12
DAY_S = 24 * 3600
EVERY_S = 10


def is_bounded(lines, seconds, *, a_minute):
    assert len(lines) <= a_minute * seconds / 60


@pytest.mark.parametrize("role", ["upsert", "backfill"])
def test_half_a_day_without_tokens_is_a_handful_of_lines_where_one_a_look_is_not(town, role):
    here = town(WIDE, deals=200, start_balance=-20_000)
    here.run(here.job(role), HOURS * 3600)
    is_bounded(here.text.getvalue().splitlines(), HOURS * 3600, a_minute=0.5)
    with pytest.raises(AssertionError):
        is_bounded(["waiting for tokens"] * (HOURS * 3600 // 30), HOURS * 3600, a_minute=0.5)


def faulty_day(*, is_counted):
    """What is written of a fault that comes back every few seconds for a day, and how often it came."""
    clock, written = ManualClock(10**15), []
    with Loop(clock) as loop:
        log = Log(written.append, render=as_json, redactor=Redactor())
        if is_counted:
            log.count_repeats(loop)
        for second in range(0, DAY_S, EVERY_S):
            log.warning("call_failed", error=f"no reply within {second} s", retry_in_s=second % 7)
            clock.advance_s(EVERY_S)
            loop._fire(clock.now_ns())
        log.flush()
    return [json.loads(line) for line in written]


def test_a_fault_that_repeats_all_day_is_a_number_and_none_is_lost():
    records = faulty_day(is_counted=True)
    assert sum(record.get("times", 1) for record in records) == DAY_S // EVERY_S
    is_bounded([record for record in records if record["event"] == "repeated"], DAY_S, a_minute=1)
    is_bounded(records, DAY_S, a_minute=7)


@pytest.mark.parametrize("workers", [2, 10])
def test_writing_it_each_time_fails_there(workers):
    records = faulty_day(is_counted=False) * workers
    with pytest.raises(AssertionError):
        is_bounded(records, DAY_S, a_minute=7)

"""Hours of virtual time: three hosts on one row spend what one does by itself, and nothing is refused or expires."""

from __future__ import annotations

import pytest

from benchmarks.shared_day import apart, day_alone, shared_day

HOURS = 3  # `benchmarks/shared_day.py` has the whole day, of more plans


@pytest.mark.kill
@pytest.mark.parametrize("rate", [5, 1_200])
def test_three_hosts_spend_as_one_does(database_url, conn, rate):
    shared, alone = shared_day(database_url, conn, rate, HOURS), day_alone(rate, HOURS)
    assert (shared.faults(), alone.faults()) == ([], [])
    assert apart(shared, alone) <= 0.01

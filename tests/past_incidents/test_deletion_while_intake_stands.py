"""Deals that are deleted by age while nothing comes in.

Rows 18, 20, 46, 60: a janitor at 24 h, later at 72 h, beside an intake that stood for longer or never listed again
what had not changed. Ours has no janitor; what was listed last, and when, stands in each row.
"""

from __future__ import annotations

import pytest

from tests.fixtures.server import WIDE

DAY_S = 24 * 3600.0
DAYS = 4
# The clock of the town is not the database's: what happened days ago there happened just now here.
JANITOR = """
delete from deal_rows as d using deal_sightings as s
where s.domain = d.domain and s.asin = d.asin and s.last_seen_at < now() + interval '{days} days' - interval '{age}'
"""


def deals(here):
    return {asin for (asin,) in here.rows("select asin from deals")}


@pytest.mark.kill
def test_four_days_without_a_token_delete_nothing_where_a_janitor_deletes_all(town):
    here = town(WIDE, start_balance=300, deals=300)
    work = here.job("upsert", upsert_detail="none")
    while not here.events("walk_complete"):
        here.run(work, 1)
    here.simulator.control(balance=-100_000)
    before = deals(here)
    assert len(before) > 50
    here.run(work, DAYS * DAY_S)
    assert len(here.events("walk_complete")) == 1, "the intake did not stand: the test shows nothing"
    assert deals(here) == before
    for age in ("72 hours", "24 hours"):
        here.execute(JANITOR.format(days=DAYS, age=age))
        with pytest.raises(AssertionError):
            assert deals(here) == before


def test_a_deal_that_has_not_changed_is_seen_again_by_every_crawl_without_being_written_again(town):
    here = town(WIDE, deals=200, market_minute=7_700_000)
    work = here.job("backfill", backfill_detail="stats")
    while not here.events("crawl_complete"):
        here.run(work, 1)
    before = here.rows("select asin, xmin::text from deal_rows order by asin")
    here.execute("update deal_sightings set last_seen_at = last_seen_at - interval '3 days'")
    here.execute("update crawls set finished_at = finished_at - interval '3 days'")
    while len(here.events("crawl_complete")) < 2:
        here.run(work, 30)
    assert here.rows("select count(*) from deal_sightings where last_seen_at < now() - interval '1 day'") == [(0,)]
    assert here.rows("select asin, xmin::text from deal_rows order by asin") == before

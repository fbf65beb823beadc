"""A selection that is taken out of the settings: no token is spent on what it left, and nobody waits for that."""

from __future__ import annotations

import pytest

from tasks.keepa.selection.selection import for_domains
from tasks.settings import SelectionSettings
from tests.fixtures.server import WIDE

GERMAN = SelectionSettings(name="german", query=WIDE | {"domainId": 3})
OURS = SelectionSettings(name="ours", query=WIDE | {"domainId": 1})
USED = SelectionSettings(name="used", query=WIDE | {"domainId": 1, "priceTypes": [2]})


def key(given):
    return for_domains(given.query, name="any", domains=())[0].key


def work(here, role, seconds, **changes):
    """One worker after another: the place of one that is gone is nobody's."""
    done = here.job(role, **changes)
    here.run(done, seconds)
    done.close()
    here.jobs.remove(done)


@pytest.mark.kill
def test_what_it_left_is_neither_fetched_nor_waited_for_and_comes_back_with_it(town):
    here = town(WIDE, rate=5, deals=200, start_balance=80)
    work(here, "backfill", 600, selections=(GERMAN, OURS), backfill_detail="stats")
    waiting = "select count(*) from fetch_queue where state = 'pending' and domain ="
    done = "select count(*) from fetch_queue where state = 'done' and domain ="
    (left,), (fetched,), (ours_before,) = (here.rows(one)[0] for one in (f"{waiting} 3", f"{done} 3", f"{done} 1"))
    assert left > 50

    work(here, "backfill", 1800, selections=(OURS,), backfill_detail="stats")
    assert here.rows(f"{waiting} 3") == [(left,)]
    assert here.rows(f"{done} 3") == [(fetched,)]
    assert here.rows(f"{done} 1")[0][0] > ours_before
    (ours,) = here.rows("select count(*) from fetch_queue where state in ('pending', 'leased') and domain = 1")[0]
    told = here.beats[-1]["job"]
    assert ours <= told["total"] - told["done"] < ours + left  # a beat may be a batch behind

    work(here, "backfill", 9000, selections=(GERMAN,), backfill_detail="stats")
    assert here.rows(f"{waiting} 3")[0][0] < left


def test_what_two_selections_list_stays_when_one_of_them_is_taken_away(town):
    here = town(WIDE, rate=50, deals=80)
    work(here, "upsert", 300, selections=(USED,), upsert_detail="none")
    assert {found for (found,) in here.rows("select distinct selection_key from fetch_queue")} == {key(USED)}
    shared = set(here.market(USED.query)) & set(here.market(OURS.query))
    assert shared
    work(here, "upsert", 600, selections=(OURS, USED), upsert_detail="none")
    assert {found for (found,) in here.rows("select distinct selection_key from fetch_queue")} == {key(OURS), key(USED)}
    work(here, "upsert", 3600, selections=(OURS,), upsert_detail="none", poll_interval_s=60)
    listed = {asin for asin, found in here.rows("select asin, selection_key from fetch_queue") if found == key(OURS)}
    assert listed & shared

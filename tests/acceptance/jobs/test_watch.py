"""Own lists in virtual time: real HTTP, real PostgreSQL, the simulator's bucket as the judge."""

from __future__ import annotations

import itertools

import pytest

from tasks.settings import WatchListSettings
from tasks.store.watch import lists
from tests.fixtures.jobs import QUERY
from tests.fixtures.lists import asins_of, list_file
from tests.fixtures.server import NS, TICK_S, WIDE

HOUR = 3600


def standing(here):
    with here.connected() as conn, conn.transaction():
        return {one.name: one for one in lists.all_lists(conn)}


def products_asked(here):
    return [
        asin for call in here.simulator.control()["log"] if call["endpoint"] == "/product" for asin in call["asins"]
    ]


def test_a_list_is_fetched_once_in_the_tier_of_upsert_and_no_walk_waits_for_it(town, tmp_path):
    here = town(QUERY, rate=20, start_balance=60, deals=300)
    asins = asins_of(here.simulator, 60)
    work = here.job(upsert_detail="none", watch_lists=(list_file(tmp_path, "toys", asins),))
    here.run(work, HOUR / 2)
    assert sorted(products_asked(here)) == sorted(asins)
    state = here.simulator.control()
    assert (state["refused_429"], here.ledger.snapshot().bucket.drift) == (0, 0)
    assert state["lowest_balance"] >= 50 - 5  # the floor of upsert; a walk may use its earmark
    assert here.rows("select distinct tier, shape from calls where endpoint = '/product'") == [
        ("upsert", "product:history")
    ]
    assert len(here.rows("select 1 from products")) == len(asins)
    toys = standing(here)["toys"]
    assert (toys.products, toys.fetched, toys.overdue) == (60, 60, 0)
    told = [event["next_in_s"] for event in here.events("walk_complete")]
    assert len(told) >= HOUR / 2 / max(told) * 0.9


def test_what_is_older_than_the_refresh_is_fetched_again_and_only_that(town, tmp_path):
    here = town(QUERY, rate=20, start_balance=200, deals=200)
    asins = asins_of(here.simulator, 20)
    work = here.job(upsert_detail="none", watch_lists=(list_file(tmp_path, "toys", asins, refresh_s=7_200.0),))
    here.run(work, 300)
    assert sorted(products_asked(here)) == sorted(asins)
    here.execute("update watched_products set due_at = due_at - interval '3 h' where asin < 'B03'")
    here.execute("update fetch_queue set finished_at = finished_at - interval '3 h' where asin < 'B03'")
    here.run(work, 300)
    again = [asin for asin in asins if asin < "B03"]
    assert again
    assert sorted(products_asked(here)) == sorted([*asins, *again])


@pytest.mark.kill
def test_details_of_new_deals_and_lists_take_turns(town, tmp_path):
    here = town(WIDE, rate=20, start_balance=60, deals=1_000)
    wanted = asins_of(here.simulator, 2_600)[-1_000:]
    work = here.job(upsert_detail="stats", poll_interval_s=600, watch_lists=(list_file(tmp_path, "toys", wanted),))
    here.run(work, 2 * HOUR)
    listed = {asin for (asin,) in here.rows("select asin from deals")}
    asked = products_asked(here)
    of_list = [asin for asin in asked if asin in set(wanted) and asin not in listed]
    of_deals = [asin for asin in asked if asin in listed]
    assert len(of_list) > 0.3 * len(asked)
    assert len(of_deals) > 0.3 * len(asked)
    assert here.simulator.control()["refused_429"] == 0


def test_a_list_that_changed_since_it_was_checked_is_told_and_the_others_go_on(town, tmp_path):
    here = town(QUERY, rate=20, start_balance=200, deals=200)
    first, second = asins_of(here.simulator, 2)
    toys, books = list_file(tmp_path, "toys", [first]), list_file(tmp_path, "books", [second])
    (tmp_path / "toys.txt").write_text(f"{second}\n")
    work = here.job(upsert_detail="none", watch_lists=(toys, books))
    here.run(work, 60)
    assert products_asked(here) == [second]
    (told,) = here.beats[-1]["conditions"]
    assert told["kind"] == "lists"
    assert "has changed since it was checked: `sluicegate reload`" in told["why"]
    assert standing(here)["toys"].reason.startswith(told["why"])
    (tmp_path / "toys.txt").write_text(f"{first}\n")
    here.run(work, 400)
    assert here.beats[-1]["conditions"] == []
    assert sorted(products_asked(here)) == sorted([first, second])


def test_a_table_of_the_users_is_read_every_few_minutes_and_its_faults_are_told(town):
    here = town(QUERY, rate=20, start_balance=200, deals=200)
    first, second = asins_of(here.simulator, 2)
    here.execute("create table wanted (asin text)")
    here.execute(f"insert into wanted values ('{first}')")
    wanted = WatchListSettings(name="wanted", domain=1, detail="history", refresh_s=86_400.0, table="wanted")
    work = here.job(upsert_detail="none", watch_lists=(wanted,))
    here.run(work, 60)
    assert products_asked(here) == [first]
    here.execute("insert into wanted values ('nonsense')")
    here.run(work, 400)
    (told,) = here.beats[-1]["conditions"]
    assert told["why"].startswith("the column asin of wanted has what is no ASIN: 'nonsense'")
    here.execute(f"update wanted set asin = '{second}' where asin = 'nonsense'")
    here.run(work, 400)
    assert here.beats[-1]["conditions"] == []
    assert products_asked(here) == [first, second]
    here.execute("drop table wanted")
    here.run(work, 400)
    assert "there is no table wanted" in here.beats[-1]["conditions"][0]["why"]
    here.run(work, 60)
    assert products_asked(here) == [first, second]


def test_what_a_selection_lists_too_is_not_taken_from_the_list(town, tmp_path):
    here = town(WIDE, rate=50, start_balance=3_000, deals=100)
    both = list(here.market())[:20]
    toys = list_file(tmp_path, "toys", both)
    jobs = [here.job("backfill", watch_lists=(toys,)), here.job(upsert_detail="none", watch_lists=(toys,))]
    for work in itertools.islice(itertools.cycle(jobs), 12):
        here.run(work, 60)
    asked = products_asked(here)
    assert len(asked) == len(set(asked))
    assert set(both) <= set(asked)
    assert standing(here)["toys"].overdue == 0


@pytest.mark.kill
def test_a_list_takes_at_most_19_5_hours_where_18_78_are_the_least(town, tmp_path):
    """A tenth of 140,857 products at 2 tokens on 250 a minute: as many hours, for a tenth on a tenth."""
    here = town(QUERY, rate=25, start_balance=1, deals=5_500)
    asins = asins_of(here.simulator, 14_086)
    # Twice the products at one token each are as many tokens.
    toys = list_file(tmp_path, "toys", asins, refresh_s=30 * 86_400.0, detail="stats")
    twice = list_file(tmp_path, "twice", asins, refresh_s=30 * 86_400.0, detail="history")
    work = here.job(upsert_detail="none", poll_interval_s=86_400.0, watch_lists=(toys, twice))
    began_ns = here.clock.now_ns()
    while len(here.rows("select 1 from watch_lists where overdue = 0 and fetched = products and products > 0")) < 2:
        here.run(work, 600)
        assert here.clock.now_ns() - began_ns < 20 * HOUR * NS
    hours = (here.clock.now_ns() - began_ns) / NS / HOUR
    state = here.simulator.control()
    assert state["refused_429"] == 0
    (paid,) = here.rows("select sum(cost)::int, sum(items)::int from calls where endpoint = '/product'")
    assert paid == (28_172, 28_172)
    assert hours <= 19.5
    assert hours >= 28_172 / 25 * TICK_S / HOUR - 0.1

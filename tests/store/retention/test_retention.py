"""Pruning: what is too old goes, with all that belongs to it; what is kept, listed or in hand stays."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest

from tasks.maintenance.duties import duties
from tasks.maintenance.prune import prune
from tasks.store import deals, quarantine
from tasks.store.calls import calls
from tasks.store.connection import connect
from tasks.store.duties import state
from tasks.store.products import products
from tasks.store.queue import queue
from tasks.store.retention import products as old_products
from tasks.store.retention import walks
from tasks.store.retention.keep import Keep
from tests.fakes.database.shop import Shop, now
from tests.fixtures.calls import a_call

A, B, C = (f"B{number:09}" for number in (1, 2, 3))


@pytest.fixture
def shop(conn, make_deal, make_product):
    return Shop(conn, make_deal, make_product)


def test_without_settings_nothing_goes(shop):
    shop.list(A)
    shop.fetch()
    shop.pass_days(30_000)
    shop.walk()
    assert shop.prune() == Counter()
    assert shop.asins("deal_rows") == shop.asins("products") == [A]


def test_a_deal_goes_when_it_was_not_listed_for_so_long_and_its_product_stays(shop):
    shop.list(A, B)
    shop.fetch()
    shop.pass_days(10)
    shop.list(B)
    assert shop.prune(deals_d=10) == {"deals": 1}
    assert (shop.asins("deal_rows"), shop.asins("deal_sightings")) == ([B], [B])
    assert shop.asins("products") == shop.asins("price_series") == [A, B]


def test_a_product_that_is_no_deal_goes_whole_and_is_fetched_again_when_it_is_listed_again(shop):
    shop.list(A, B)
    shop.fetch()
    shop.conn.execute(
        "INSERT INTO offers (domain, asin, place, minutes, prices, shipping) VALUES (1, %s, 0, '{}', '{}', '{}')", (A,)
    )
    shop.pass_days(90)
    shop.list(B)
    series = shop.conn.execute("SELECT FROM price_series WHERE asin = %s", (A,)).rowcount
    assert shop.prune(history_d=90) == {"products": 1, "price_series": series, "offers": 1, "fetch_queue": 1}
    assert shop.asins("products") == shop.asins("price_series") == shop.asins("fetch_queue") == [B]
    assert shop.asins("deal_rows") == [A, B]
    shop.list(A)
    assert shop.state_of(A) == "pending"
    assert shop.fetch() == [A]
    assert shop.asins("products") == shop.asins("price_series") == [A, B]


def test_the_age_of_a_product_is_known_after_its_deal_is_gone(shop):
    shop.list(A)
    shop.fetch()
    shop.pass_days(60)
    shop.list(A)
    shop.pass_days(40)
    shop.walk()
    assert shop.prune(deals_d=30, history_d=90) == {"deals": 1}
    assert (shop.asins("deal_rows"), shop.asins("products")) == ([], [A])
    shop.pass_days(50)
    shop.walk()
    assert shop.prune(deals_d=30, history_d=90)["products"] == 1
    assert shop.asins("deal_sightings") == []


def test_a_product_of_which_nothing_was_ever_listed_goes_by_the_time_it_was_fetched(shop):
    shop.list(A, B)
    shop.fetch()
    shop.conn.execute("DELETE FROM deal_sightings")
    shop.pass_days(20)
    shop.conn.execute("UPDATE fetch_queue SET finished_at = now() WHERE asin = %s", (B,))  # it told nothing new
    shop.walk()
    assert shop.prune(history_d=20)["products"] == 1
    assert shop.asins("products") == [B]


def test_a_product_that_a_worker_has_in_hand_stays_and_one_that_waits_goes(shop):
    shop.list(A, B)
    shop.fetch()
    shop.pass_days(50)
    shop.walk()
    shop.conn.execute("UPDATE fetch_queue SET state = 'pending', finished_at = NULL")
    with shop.conn.transaction():
        queue.claim(shop.conn, owner="test@1", limit=1, lease_s=60)
    assert shop.prune(history_d=30)["products"] == 1
    assert (shop.asins("products"), shop.state_of(A), shop.state_of(B)) == ([A], "leased", "pending")


def test_a_product_of_a_list_stays_until_the_list_has_it_no_more(shop):
    shop.list(A, B, C)
    shop.fetch()
    shop.pass_days(50)
    shop.walk()
    shop.conn.execute(
        "INSERT INTO watch_lists (list_key, name, domain, detail, refresh_s, digest, loaded_at)"
        " VALUES ('here', 'l', 1, 'history', 1, '', now()), ('in another shop', 'l', 3, 'history', 1, '', now())"
    )
    shop.conn.execute(
        "INSERT INTO watched_products (list_key, asin) VALUES ('here', %s), ('in another shop', %s)", (A, B)
    )
    assert shop.prune(history_d=30)["products"] == 2
    assert shop.asins("products") == shop.asins("price_series") == [A]
    shop.conn.execute("DELETE FROM watched_products")
    assert shop.prune(history_d=30)["products"] == 1


def test_fetched_items_go_only_when_the_product_is_no_deal_any_more(shop):
    shop.list(A, B, C)
    shop.fetch()
    shop.pass_days(40)
    shop.list(B)
    shop.conn.execute("DELETE FROM deal_sightings WHERE asin = %s", (C,))
    assert shop.prune(queue_d=30) == {"fetch_queue": 2}
    assert (shop.state_of(A), shop.state_of(B), shop.state_of(C)) == (None, "done", None)
    shop.list(A)
    assert shop.state_of(A) == "pending"


def test_a_fault_goes_when_it_did_not_come_again_for_so_long(shop):
    for reason in ("old", "again"):
        quarantine.add(shop.conn, kind="deal", key=A, reason=reason, raw=b"{}", domain=1)
    shop.pass_days(20)
    quarantine.add(shop.conn, kind="deal", key=A, reason="again", raw=b"{}", domain=1)
    assert shop.prune(quarantine_d=20) == {"quarantine": 1}
    assert shop.conn.execute("SELECT reason, times FROM quarantine").fetchall() == [("again", 2)]


def test_calls_go_by_the_day_they_were_made(shop):
    for days in (1, 399, 401):
        calls.record(shop.conn, a_call(at=now() - timedelta(days=days), rows=days))
    assert shop.prune(calls_d=400) == {"calls": 1}
    assert shop.conn.execute("SELECT rows FROM calls ORDER BY rows").fetchall() == [(1,), (399,)]


def test_the_ages_of_deals_stand_while_nobody_looks_for_deals(shop):
    shop.list(A)
    shop.fetch()
    shop.pass_days(400)
    assert shop.prune(deals_d=30, history_d=30, queue_d=30) == Counter()
    shop.walk()
    assert shop.prune(deals_d=30, history_d=30, queue_d=30)["deals"] == 1


def test_all_stretches_and_locales_are_walked_through(shop):
    asins = [f"B{number:09}" for number in range(20)]
    for domain in (1, 3):
        shop.list(*asins, domain=domain)
    shop.fetch()
    shop.pass_days(10)
    shop.list(*asins[::2], domain=1)
    gone = shop.prune(deals_d=5, queue_d=5)
    assert (gone["deals"], gone["fetch_queue"]) == (30, 30)
    assert shop.asins("deal_rows") == asins[::2]
    shop.conn.execute("DELETE FROM deal_sightings")
    assert shop.prune(history_d=5)["products"] == 40
    assert shop.asins("price_series") == []


def run_duties(conn, keep, times=30):
    """What the duties delete, each asked as often as it wants."""
    gone = Counter()
    for duty in duties(keep):
        for _ in range(times):
            with conn.transaction():
                step = duty.step(conn)
            gone.update(step.gone)
            if not step.has_more:
                break
        else:
            pytest.fail(f"{duty.name} never ends")
    return gone


def test_after_days_without_walks_the_duties_wait_a_week_before_they_judge_deals(shop):
    keep = Keep(deals_d=1)

    def after(days):
        """What goes when so many days have passed, with no walk before their end."""
        shop.pass_days(days)
        known = state.load(shop.conn, walks.NAME)
        moved = {name: datetime.fromisoformat(at) - timedelta(days=days) for name, at in known.items()}
        state.save(shop.conn, walks.NAME, {name: at.isoformat() for name, at in moved.items()})
        state.forget(shop.conn, "deals")
        shop.walk()
        return run_duties(shop.conn, keep)["deals"]

    shop.list(A)
    assert run_duties(shop.conn, keep) == Counter()
    assert [after(days=1) for _ in range(7)] == [0] * 6 + [1]
    shop.list(A)
    assert after(days=2) == 1
    shop.list(A)
    assert after(days=30) == 0
    assert [after(days=2) for _ in range(4)] == [0, 0, 0, 1]


def test_a_duty_goes_through_the_keys_once_a_day_and_at_once_with_other_settings(shop):
    shop.list(A, B)
    shop.pass_days(10)
    shop.walk()
    state.save(shop.conn, walks.NAME, {"seen": now().isoformat(), "resumed": (now() - timedelta(days=8)).isoformat()})
    assert run_duties(shop.conn, Keep(deals_d=20)) == Counter()
    shop.pass_days(10)
    shop.walk()
    assert run_duties(shop.conn, Keep(deals_d=20)) == Counter(), "it was looked at today"
    assert run_duties(shop.conn, Keep(deals_d=19)) == {"deals": 2}


@pytest.mark.parametrize("is_listed_first", [True, False])
def test_a_product_that_is_listed_while_it_is_judged_stays_or_is_queued_again(shop, database_url, is_listed_first):
    """Whoever lists has the lock of the locale until it commits, and so has whoever deletes."""
    shop.list(A)
    shop.fetch()
    shop.pass_days(50)
    shop.walk()
    with connect(database_url, application_name="other", autocommit=True, lock_timeout_ms=200) as conn:
        other = Shop(conn, shop._deal, shop._product)
        other._updates = shop._updates
        if is_listed_first:
            with shop.conn.transaction():
                shop.list(A)
                with pytest.raises(Exception, match="lock timeout"):
                    other.prune(history_d=30)
            assert other.prune(history_d=30) == Counter()
            assert (shop.asins("products"), shop.state_of(A)) == ([A], "done")
            return
        with shop.conn.transaction():
            deals.lock(shop.conn, 1)
            old_products.delete(shop.conn, 1, [A], now() - timedelta(days=30))
            with pytest.raises(Exception, match="lock timeout"):
                other.list(A)
        other.list(A)
        assert (shop.asins("products"), shop.state_of(A)) == ([], "pending")


def test_a_deal_that_is_listed_unchanged_while_it_is_judged_stays(shop, database_url):
    shop.list(A)
    shop.pass_days(50)
    with connect(database_url, application_name="other", autocommit=True, lock_timeout_ms=200) as conn:
        other = Shop(conn, shop._deal, shop._product)
        shop.walk()
        with shop.conn.transaction():
            shop.list(A, is_changed=False)
            with pytest.raises(Exception, match="lock timeout"):
                other.prune(deals_d=30, history_d=60)
        assert other.prune(deals_d=30, history_d=60) == Counter()


def test_a_product_that_a_worker_writes_at_this_moment_stays(shop, database_url):
    shop.list(A, B)
    shop.fetch()
    shop.pass_days(50)
    shop.walk()
    with connect(database_url, application_name="other") as worker, worker.transaction():
        found = [shop._product(A, last_update=9_000_000)]
        products.write(worker, 1, found, fetched_at=now(), has_history=True)
        assert shop.prune(history_d=30)["products"] == 1
    assert shop.asins("products") == shop.asins("price_series") == [A]


def test_two_that_prune_at_once_by_other_settings_share_the_work(shop, database_url):
    shop.list(*(f"B{number:09}" for number in range(40)))
    shop.fetch()
    shop.pass_days(20)
    shop.walk()
    with connect(database_url, application_name="test", autocommit=True) as second:
        shared = Counter()

        def the_other_prunes(gone):
            if gone["deals"] and not shared:
                shared.update(prune(second, Keep(deals_d=9), lambda _gone: None, stretch=7, batch=3))

        keep = Keep(deals_d=10, history_d=10, queue_d=10)
        gone = prune(shop.conn, keep, the_other_prunes, stretch=7, batch=3)
    assert (gone + shared)["deals"] == gone["products"] == gone["fetch_queue"] == 40
    assert gone["deals"] > 0 < shared["deals"]

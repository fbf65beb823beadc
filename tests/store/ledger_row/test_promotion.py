"""A replica takes the place of the server that died for good: the ledger goes on after one free reading."""

from __future__ import annotations

from contextlib import ExitStack

import psycopg
import pytest

from ledger import DEFAULT_TIERS, NeedsReading, Reading, TokenLedger
from supervisor.config.run_plan import make_run_plan
from supervisor.config.settings import load_settings
from supervisor.database.shared_ledger import SharedLedger
from tasks.store.connection import connect
from tasks.store.ledger_row import rules
from tasks.store.ledger_row.row import RowHome
from tasks.store.migrate import apply_migrations
from tests.crash.kills import Again
from tests.fakes.database.replicated import Replicated
from tests.fakes.waiting import wait_until

ACCOUNT = 2**61 + 7
SERVER_MS = 1_700_000_000_000


@pytest.fixture
def pair(tmp_path):
    with ExitStack() as undo:
        database = Replicated(tmp_path / "pair")
        undo.callback(database.close)
        with connect(database.url(), application_name="test", autocommit=True) as conn:
            apply_migrations(conn)
        yield database


@pytest.fixture
def ledgers(pair):
    """Those of two hosts over one row, with 300 tokens."""
    with ExitStack() as undo:
        homes = [RowHome(pair.url(), ACCOUNT, host) for host in (1, 2)]
        for home in homes:
            home.patience = Again()
            undo.callback(home.close)
        homes[0].create("test")
        found = [TokenLedger(home) for home in homes]
        found[0].configure(DEFAULT_TIERS, 60)
        found[0].observe(reading(300))
        yield found


def reading(balance):
    return Reading(balance, 5, 60_000, SERVER_MS)


def committed(ledger, cost):
    lease = ledger.try_reserve("upsert", cost)
    lease.commit()
    return lease


@pytest.mark.parametrize("is_behind", [True, False])
def test_all_hosts_find_the_new_server_by_themselves_and_one_of_them_asks_for_one_reading(pair, ledgers, is_behind):
    one, other = ledgers
    kept = committed(one, 10)
    other.snapshot()
    pair.until_caught_up()
    if is_behind:
        pair.let_replica_fall_behind()
    late = committed(one, 20)
    if not is_behind:
        pair.until_caught_up()
    pair.promote()
    asked = 0
    for ledger in (other, one, other, one):
        try:
            ledger.try_reserve("interactive", 1).cancel()
        except NeedsReading:
            asked += 1
            ledger.observe(reading(300))  # neither call has been answered yet
    assert asked == 1
    again = one.try_reserve("interactive", 1)
    assert again.id > late.id + rules.LOST_IDS
    again.cancel()
    kept.settle(10, reading(290))
    late.settle(20, reading(270))  # of which the new server may never have heard
    seen = other.snapshot()
    assert (seen.bucket.balance, seen.leases) == (270, ())
    went = seen.bucket.balance + seen.totals.spent + seen.totals.expired
    assert round(seen.totals.credited + seen.bucket.drift, 6) == round(went, 6)


def test_tiers_that_the_new_server_never_got_are_set_again(pair, tmp_path):
    environ = {"STATE_DIR": str(tmp_path), "DATABASE_URL": pair.url(), "KEEPA_API_KEY": "k" * 64, "LEDGER": "database"}
    plan = make_run_plan(load_settings(environ, dotenv=None))
    with ExitStack() as undo:
        home, another = (RowHome(pair.url(), ACCOUNT, 1) for _ in range(2))
        for one in (home, another):
            one.patience = Again()
            undo.callback(one.close)
        home.create("test")
        pair.until_caught_up()
        pair.let_replica_fall_behind()
        shared = SharedLedger(home, ACCOUNT, 1, plan)
        undo.callback(shared.close)
        pair.promote()
        names = [tier.name for tier in plan.tiers()]
        wait_until(lambda: [tier.name for tier in TokenLedger(another).snapshot().tiers] == names, "the tiers")


def test_a_server_that_can_only_be_read_is_not_taken_for_the_one_that_is_written_to(pair):
    """The replica stands first in the URL, and the other one does not answer."""
    pair.kill()
    with pytest.raises(psycopg.OperationalError, match="read-only"):
        psycopg.connect(pair.url(list(reversed(pair.places()))))
    pair.start()
    with psycopg.connect(pair.url(list(reversed(pair.places())))) as conn:
        assert conn.info.port == pair.places()[0][1]

"""What a run is: real or synthetic, where its rows go, which bucket it spends from."""

import pytest

from supervisor.config import run_plan, settings
from supervisor.config.run_plan import Server
from tasks.errors import ConfigError
from tasks.secret import Secret
from tasks.settings import JobSettings

URL = "postgresql://u:p%40ss@db.example:5433/deals"
KEY, OTHER_KEY = "secretkey".ljust(64, "0"), "secretkey".ljust(64, "1")


def make(environ=None, **options):
    return run_plan.make_run_plan(settings.load_settings(environ or {}, dotenv=None), **options)


def test_without_a_key_the_simulator_serves_and_the_database_is_its_own():
    one = make()
    assert one.server is Server.SIMULATOR
    assert one.is_synthetic
    assert one.database == "simulated"
    assert one.tick_period_s == 3
    assert "no KEEPA_API_KEY" in one.describe()
    assert "20 tokens every 3 s" in one.describe()


def test_with_a_key_it_is_the_real_api_and_the_live_database():
    one = make({"KEEPA_API_KEY": KEY})
    assert (one.server, one.database, one.base_url) == (Server.KEEPA, "sluicegate", "https://api.keepa.com")
    assert one.tick_period_s == 60.2
    assert KEY not in one.describe() + repr(one)


def test_a_server_without_a_key_counts_as_synthetic():
    one = make({"KEEPA_BASE_URL": "http://127.0.0.1:9/", "TICK_PERIOD_S": "2"})
    assert (one.server, one.database, one.base_url) == (Server.OTHER, "simulated", "http://127.0.0.1:9")
    assert one.tick_period_s == 2


def test_synthetic_rows_do_not_go_into_a_database_the_user_named():
    with pytest.raises(ConfigError, match="synthetic rows would go into your database") as caught:
        make({"DATABASE_URL": URL})
    assert "p%40ss" not in str(caught.value)
    assert make({"DATABASE_URL": URL}, synthetic_into_database=True).database is None
    assert make({"DATABASE_URL": URL, "KEEPA_API_KEY": KEY}).database is None


def test_another_key_or_server_is_another_bucket_and_shows_neither():
    first = make({"KEEPA_API_KEY": KEY}).account("run")
    assert first == make({"KEEPA_API_KEY": KEY}).account("another run")
    assert first != make({"KEEPA_API_KEY": OTHER_KEY}).account("run")
    assert first != make({"KEEPA_API_KEY": KEY, "KEEPA_BASE_URL": "http://h"}).account("run")
    assert "secret" not in first
    assert make().account("one run") != make().account("another run"), "a simulator begins each run with a new bucket"


def test_floors_and_shares_come_from_the_settings_and_their_bounds_stay():
    tiers = {tier.name: tier for tier in make({"UPSERT_FLOOR": "10", "BACKFILL_SHARE": "0.3"}).tiers()}
    assert list(tiers) == ["interactive", "upsert", "backfill"]
    assert (tiers["upsert"].floor, tiers["upsert"].share, round(tiers["upsert"].floor_part, 3)) == (10, 0.5, 0.167)
    assert (tiers["backfill"].floor, tiers["backfill"].share, tiers["backfill"].floor_part) == (150, 0.3, 0.5)


def test_a_worker_is_told_everything_and_the_secrets_do_not_show():
    others = {"UPSERT_DETAIL": "none", "POLL_INTERVAL_S": "300", "MAX_ATTEMPTS": "7", "LOG_LEVEL": "debug"}
    one = make({"KEEPA_API_KEY": KEY, "DATABASE_URL": URL, "STATE_DIR": "/state", **others})
    told = one.worker_settings("http://server", Secret(URL), "the-spool")
    assert (told.base_url, told.ledger_path) == ("http://server", "/state/ledger")
    assert told.spool_dir == "/state/spool/the-spool"
    assert told.selections == one.settings.loaded_selections
    assert (told.upsert_detail, told.poll_interval_s, told.max_attempts, told.log_level) == ("none", 300, 7, "debug")
    for name in JobSettings.__struct_fields__:
        assert getattr(told, name) == getattr(one.settings, name)
    assert KEY not in repr(told)
    assert "p%40ss" not in repr(told)

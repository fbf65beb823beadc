"""`plan` and the figures it is made from, against what both jobs gathered from a simulator."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from supervisor.config.options import BY_NAME
from tasks.errors import ConfigError
from tasks.store import stream_figures
from tasks.store.calls import calls
from tests.fixtures.calls import a_call
from tests.fixtures.running import told_supervisor
from tests.fixtures.server import START_MIN, START_MS

WIDE = json.dumps({"domainId": 1, "priceTypes": [1], "dateRange": 3})


def plan(ask, url, *arguments):
    code, out = ask(url, "plan", *arguments, "--json")
    assert code == 0
    return json.loads(out)


def test_figures_are_those_of_the_rows(gathered):
    since = datetime.fromtimestamp(START_MS / 1000, UTC) - timedelta(days=400)
    figures = stream_figures.stream_figures(gathered, since=since, minute=START_MIN - 360, day_minute=START_MIN - 1_440)
    ((stream, found),) = figures.items()
    assert stream[1] == 1
    news, of_the_day = (
        gathered.execute("SELECT count(*) FROM deal_sightings WHERE creation_date > %s", (minute,)).fetchone()[0]
        for minute in (START_MIN - 360, START_MIN - 1_440)
    )
    (rows,) = gathered.execute("SELECT rows FROM crawls WHERE job = 'backfill'").fetchone()
    assert found == (rows, news, of_the_day)
    assert 0 < news < of_the_day < rows


def test_usage_is_what_the_calls_of_that_time_have_cost(conn):
    now = datetime.now(UTC)
    ages = (timedelta(hours=3), timedelta(minutes=30), timedelta(minutes=10))
    for age in ages:
        calls.record(conn, a_call(at=now - age, tier="upsert", endpoint="/product", items=7, cost=9, duration_s=1.5))
    calls.record(conn, a_call(at=now, tier="upsert", endpoint="/product", items=7, cost=0, status=429))
    used = stream_figures.usage(conn, since=now - timedelta(hours=1), until=now + timedelta(seconds=1))
    assert used == {("upsert", "/product"): (2, 14, 18, 3.0)}
    assert stream_figures.first_call(conn) == now - ages[0]


def test_nothing_is_known_of_an_empty_database(conn):
    now = datetime.now(UTC)
    assert stream_figures.stream_figures(conn, since=now, minute=0, day_minute=0) == {}
    assert stream_figures.first_call(conn) is None


def test_a_plan_of_what_was_gathered(ask, gathered_url, gathered):
    told = plan(ask, gathered_url, "--rate", "5")
    (one,) = told["day"]["selections"]
    (rows,) = gathered.execute("SELECT rows FROM crawls WHERE job = 'backfill'").fetchone()
    assert (one["name"], one["deals"], one["is_new"]) == ("default, amazon.com", rows, False)
    assert one["total"] == pytest.approx(one["listing"] + one["details"] + one["crawling"] + one["histories"])
    assert [each["rate"] for each in told["plans"]] == [5, 20, 60, 250, 1200]
    assert told["day"]["floors"] == {"interactive": 0, "upsert": 50, "backfill": 150}
    assert (told["without_new"], told["with_settings"], told["left_out"]) == (None, None, [])


def test_a_setting_is_tried_without_being_set(ask, gathered_url):
    changes = ("--set", "UPSERT_DETAIL=none", "--set", "backfill_floor=100")
    told = plan(ask, gathered_url, WIDE, "--yes", "--rate", "60", *changes)
    assert told["day"]["selections"][1]["details"] > 0
    assert told["with_settings"]["selections"][1]["details"] == 0
    assert told["with_settings"]["floors"]["backfill"] == 100


def test_what_the_running_supervisor_was_told_counts_unless_set_says_otherwise(ask, gathered_url, tmp_path):
    told = {"BACKFILL_TOKENS_PER_DAY": "30", "UPSERT_FLOOR": "70"}
    changes = ("--rate", "60", "--set", "BACKFILL_TOKENS_PER_DAY=90")
    with told_supervisor(tmp_path / "state", told):
        running = plan(ask, gathered_url, *changes)
        _, words = ask(gathered_url, "plan", *changes)
    stopped = plan(ask, gathered_url, *changes)

    assert (running["overrides"], stopped["overrides"]) == (told, {})
    line = (
        "counted as `sluicegate set` ordered it of the running supervisor: BACKFILL_TOKENS_PER_DAY=30 UPSERT_FLOOR=70"
    )
    assert words.startswith(f"{line}\n\n")
    assert running["day"]["floors"]["upsert"] == running["with_settings"]["floors"]["upsert"] == 70
    assert stopped["day"]["floors"]["upsert"] == stopped["with_settings"]["floors"]["upsert"] != 70
    for day, most in ((running["day"], 30), (running["with_settings"], 90)):
        assert sum(one["crawling"] + one["histories"] for one in day["selections"]) <= most + 1
    assert sum(one["crawling"] + one["histories"] for one in stopped["day"]["selections"]) > 91


def test_what_is_wrong_with_settings_that_a_plan_does_not_count_does_not_stop_it(ask, gathered_url, monkeypatch):
    good = plan(ask, gathered_url, "--rate", "60")
    counted = (
        "UPSERT_",
        "BACKFILL_",
        "WATCH",
        "KEEPA_",
        "POLL_",
        "HISTORY_MAX",
        "TICK_",
        "INTERACTIVE_",
        "SIMULATOR_TICK",
    )
    places = {"KEYS", "LEDGER", "DATABASE_URL", "STATE_DIR", "SELECTIONS"}
    for name in BY_NAME:
        if not name.startswith(counted) and name not in places:
            monkeypatch.setenv(name, "not\x7fusable")
    assert plan(ask, gathered_url, "--rate", "60")["day"] == good["day"]


@pytest.mark.parametrize(
    ("change", "words"), [("NOTHING=1", "no NAME=VALUE of a setting"), ("UPSERT_SHARE=7", "UPSERT_SHARE: '7' cannot")]
)
def test_what_is_no_setting_is_refused(ask, gathered_url, change, words):
    with pytest.raises(ConfigError, match=words):
        ask(gathered_url, "plan", "--set", change)


def test_a_further_selection_is_counted_once_its_page_was_paid_for(ask, gathered_url):
    unpaid = plan(ask, gathered_url, WIDE, "--rate", "20")
    assert unpaid["left_out"] == ["pasted, amazon.com"]
    paid = plan(ask, gathered_url, WIDE, "--rate", "20", "--yes")
    assert (paid["left_out"], [one["is_new"] for one in paid["day"]["selections"]]) == ([], [False, True])
    assert paid["without_new"]["tokens"] == pytest.approx(unpaid["day"]["tokens"])
    assert paid["day"]["tokens"] > unpaid["day"]["tokens"]
    assert paid["day"]["poll_interval_s"] == 2 * unpaid["day"]["poll_interval_s"]


def test_one_that_is_collected_already_is_no_further_one(ask, gathered_url):
    told = plan(ask, gathered_url, "default", "--rate", "20")
    assert (len(told["day"]["selections"]), told["without_new"]) == (1, None)


def test_in_words_it_says_what_a_person_asks(ask, gathered_url):
    code, out = ask(gathered_url, "plan", WIDE, "--yes", "--rate", "5", "--set", "BACKFILL_SHARE=0.4")
    assert code == 0
    for words in (
        "default, amazon.com", "pasted, amazon.com (new)", "deals: a look every 10 min 0 s", "histories: up to",
        "reserve: backfill leaves 150 tokens, 100 of them for upsert", "without the new ones:",
        "  deals: a look every 5 min 0 s", "with BACKFILL_SHARE=0.4:", "on other plans:", "1,200",
    ):  # fmt: skip
        assert words in out

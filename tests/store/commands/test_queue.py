"""`queue` and `queue drop` as a person types them, with a selection taken out of the settings."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tasks.keepa.selection.selection import parse
from tasks.store import asker_names, crawls, quarantine, refused_sources, selections
from tasks.store.crawls import Crawl
from tasks.store.queue import queue
from tests.fakes.program.cli_program import Program
from tests.fixtures.running import told_supervisor

GERMAN = {"domainId": 3, "priceTypes": [1]}
USED = {"domainId": 1, "priceTypes": [2]}
ASINS = [f"B{at:09}" for at in range(5)]


@pytest.fixture
def ask(conn, database_url, tmp_path):
    """Asks with the German selection alone in the settings."""
    (tmp_path / "german.json").write_text(json.dumps(GERMAN))
    german, used = (parse(query, name="any").key for query in (GERMAN, USED))
    queue.enqueue(conn, 3, ASINS[:2], detail="history", selection_key=german)
    queue.enqueue(conn, 1, ASINS[2:], detail="history", selection_key=used)
    conn.commit()
    program = Program(tmp_path, DATABASE_URL=database_url, SELECTIONS=str(tmp_path / "german.json"))

    def run(*arguments):
        done = program.command(*arguments)
        assert done.returncode in {0, 4}, done.stderr
        return done.stdout

    return run, used


def test_the_queue_is_listed_and_what_nobody_asks_for_is_dropped(ask, conn):
    run, used = ask
    lines = run("queue").splitlines()
    assert [line.split()[:3] for line in lines[1:3]] == [["german", "amazon.de", "2"], [used, "amazon.com", "3"]]
    assert "no longer in the settings" in lines[2]
    assert "`sluicegate queue drop`" in lines[3]
    told = json.loads(run("status", "--json"))
    assert (told["queue"]["pending"], told["queue"]["unwanted"]) == (2, 3)
    assert told["backfill"]["total"] == 2
    assert "unwanted 3" in run("status")
    told = json.loads(run("queue", "--json"))
    assert (told["queue"][1]["is_chosen"], told["is_estimate"]) == (False, False)
    assert [one["selection"] for one in told["queue"]] == ["german", None]
    selections.number_of(conn, used)
    selections.keep_name(conn, used, name="books", query=json.dumps(USED))
    conn.commit()
    assert run("queue").splitlines()[2].split()[:3] == ["books", "amazon.com", "3"]
    assert run("queue", "drop") == "3 products were removed from the queue\n"
    assert json.loads(run("queue", "drop", "--json"))["dropped"] == 0
    assert len(run("queue").splitlines()) == 2
    assert "unwanted" not in run("status")


def test_what_set_ordered_of_the_running_supervisor_is_wanted(ask, tmp_path):
    run, _ = ask
    (tmp_path / "used.json").write_text(json.dumps(USED))
    both = f"{tmp_path / 'german.json'},{tmp_path / 'used.json'}"
    with told_supervisor(tmp_path / "state", {"SELECTIONS": both}):
        assert all(one["is_chosen"] for one in json.loads(run("queue", "--json"))["queue"])
        assert run("queue", "drop") == "0 products were removed from the queue\n"
    assert run("queue", "drop") == "3 products were removed from the queue\n"


def test_what_is_no_longer_in_the_settings_is_shown_by_the_name_it_had(ask, conn):
    run, _ = ask
    began = Crawl(
        job="backfill", selection_key="aaaaaaaaaaaa", domain=1, root_cat=None, page=1, started_at=datetime.now(UTC),
        state="done", high_minute=None, rows=1, finished_at=None,
    )  # fmt: skip
    crawls.save_crawl(conn, began)
    asker_names.keep_source_name(conn, "aaaaaaaaaaaa", 1, "best")
    refused_sources.refuse(conn, "bbbbbbbbbbbb", 1, name="odd, or not, amazon.com", reason="no")
    for nth, key in enumerate(("aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc")):
        queue.enqueue(conn, 1, [f"B1{nth:08}"], detail="history", selection_key=key)
    conn.commit()
    named = {one["selection_key"]: one["selection"] for one in json.loads(run("queue", "--json"))["queue"]}
    assert [named[key * 12] for key in "abc"] == ["best", "odd, or not", None]
    crawls.save_crawl(conn, replace(began, page=2))
    assert asker_names.former(conn)["aaaaaaaaaaaa"] == "best", "the next page keeps it"


def test_the_list_says_when_its_figures_are_estimates(ask, conn):
    conn.execute("UPDATE fetch_queue_check SET wrong = 1")
    run, _ = ask
    assert json.loads(run("queue", "--json"))["is_estimate"] is True
    assert "these are estimates" in run("queue")


SLOW = """
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.1); RETURN OLD; END $$;
CREATE TRIGGER slow BEFORE DELETE ON fetch_queue FOR EACH STATEMENT EXECUTE FUNCTION slow();
CREATE TRIGGER slow BEFORE DELETE ON quarantine FOR EACH STATEMENT EXECUTE FUNCTION slow();
"""


def test_a_time_limit_of_the_database_ends_no_command_that_changes_rows(ask, conn, database_url):
    """What `ALTER DATABASE ... SET` says has no effect on the program; a long queue takes longer than such a limit."""
    quarantine.add(conn, kind="product", key=ASINS[0], reason="odd", raw=b"{}")
    conn.execute(SLOW)
    name = database_url.partition("?")[0].rpartition("/")[2]
    conn.execute(f"ALTER DATABASE {name} SET statement_timeout = '50ms'")
    run, _ = ask
    assert run("queue", "drop") == "3 products were removed from the queue\n"
    assert run("quarantine", "drop", "--all", "--yes").startswith("dropped 1 ")

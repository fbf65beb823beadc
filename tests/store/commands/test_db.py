"""`db size` and `db prune` as a person types them."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ledger.localtime import minute
from supervisor.cli.run_command import run_command
from tasks.keepa.selection.selection import parse
from tasks.store import deals, quarantine, selections
from tasks.store.calls import calls, months
from tasks.store.duties import state
from tasks.store.products import products
from tasks.store.queue import queue
from tasks.store.retention import estimate, free_room, pace, sizes, walks
from tasks.store.retention.keep import TABLES, Keep
from tests.fakes.program.cli_program import Program
from tests.fixtures.calls import a_call
from tests.fixtures.database.postgres import PARTS
from tests.fixtures.running import told_supervisor

GERMAN = {"domainId": 3, "priceTypes": [1]}
OLD, NEW = ["B000000001", "B000000002", "B000000003"], ["B000000004"]


@pytest.fixture
def ask(conn, database_url, tmp_path, make_deal, make_product, monkeypatch, capfd):  # noqa: PLR0917 - fixtures
    """Asks of a database with three products that are no deal any more and one that is."""
    (tmp_path / "german.json").write_text(json.dumps(GERMAN))
    now = datetime.now(UTC)
    key = parse(GERMAN, name="any").key
    for asins, at in ((OLD, now - timedelta(days=100)), (NEW, now)):
        deals.write(conn, 3, [make_deal(asin) for asin in asins], seen_at=at)
        queue.enqueue(conn, 3, asins, detail="history", selection_key=key)
        products.write(conn, 3, [make_product(asin) for asin in asins], fetched_at=at, has_history=True)
        queue.complete(conn, queue.claim(conn, owner="test@1", limit=9, lease_s=60))
    conn.execute("UPDATE fetch_queue SET finished_at = now() - interval '100 days' WHERE asin = ANY(%s)", (OLD,))
    conn.execute(
        "INSERT INTO crawls (job, selection_key, domain, page, started_at, state, rows)"
        " VALUES ('upsert', 'k', 3, 0, now(), 'running', 0)"
    )
    quarantine.add(conn, kind="deal", key=OLD[0], reason="odd", raw=b"{}", domain=3)
    conn.execute("UPDATE schema_migrations SET applied_at = now() - interval '10 days'")
    program = Program(tmp_path, DATABASE_URL=database_url, SELECTIONS=str(tmp_path / "german.json"))

    def run(*arguments, code=0, **settings):
        """Ask as the program does, but in this process, which saves its start."""
        with monkeypatch.context() as environment:
            for name, value in program.environment(**settings).items():
                environment.setenv(name, value)
            try:
                ended = run_command(["db", *arguments])
            except SystemExit as error:
                ended = error.code
        done = capfd.readouterr()
        assert ended == code, done.err
        return done.out if code == 0 else done.err

    return run


def test_prune_deletes_what_dry_run_says_and_size_shows_it(ask, conn):
    assert "every setting says for ever" in ask("prune", "CALLS_KEEP_D=0")
    assert ask("prune") == "deleted nothing\n"
    given = {"DEALS_KEEP_D": "50", "HISTORY_KEEP_D": "99"}
    told = json.loads(ask("size", "--json", **given))["settings"]
    assert told["DEALS_KEEP_D"]["rows"] == {"deals": 3}
    (series,) = conn.execute("SELECT count(*) FROM price_series WHERE asin = ANY(%s)", (OLD,)).fetchone()
    history = told["HISTORY_KEEP_D"]
    assert history["rows"] == {"products": 3, "price_series": series, "offers": 0, "fetch_queue": 3}
    assert not history["is_estimate"]
    assert told["QUEUE_KEEP_D"] == {"days": 0, "rows": {"fetch_queue": 0}, "bytes": 0, "is_estimate": False}
    dry = ask("prune", "--dry-run", **given).splitlines()
    assert dry[0] == "CALLS_KEEP_D=400 would delete nothing (0 B)"
    assert dry[1].startswith("DEALS_KEEP_D=50 would delete 3 of deals (")
    assert len(dry) == 3
    nothing = {"calls": 0, "deals": 0, "products": 0, "price_series": 0, "offers": 0, "fetch_queue": 0, "quarantine": 0}
    assert json.loads(ask("prune", "--json", "CALLS_KEEP_D=0")) == {"format": 1, "rows": nothing}
    assert json.loads(ask("prune", "--json", "--dry-run", "CALLS_KEEP_D=0"))["settings"].keys() == told.keys()
    assert json.loads(ask("prune", "--json", **given))["rows"] == nothing | {
        "deals": 3, "products": 3, "price_series": series, "fetch_queue": 3,
    }  # fmt: skip
    assert [row[0] for row in conn.execute("SELECT asin FROM deals")] == NEW
    assert ask("prune", **given) == "deleted nothing\n"


def test_each_row_counts_for_one_setting_and_what_stays_for_none(ask, conn):
    """As many of one product as of another, and the rest of the queue, so that each mistake is another number."""
    queue.enqueue(conn, 3, OLD[:2], detail="stats")
    conn.execute("UPDATE fetch_queue SET state = 'given up' WHERE detail = 'stats' AND asin = %s", (OLD[0],))
    assert [item.asin for item in queue.claim(conn, owner="test@2", limit=9, lease_s=60)] == [OLD[1]]
    conn.execute("DELETE FROM price_series_rows WHERE asin = %s AND price_type <> 0", (OLD[2],))
    queue.enqueue(conn, 3, ["B000000009"], detail="history")
    conn.execute("UPDATE fetch_queue SET state = 'done', finished_at = now() - interval '100 days'"
                 " WHERE asin = 'B000000009'")  # fmt: skip
    given = ("HISTORY_KEEP_D=99", "QUEUE_KEEP_D=99", "DEALS_KEEP_D=99", "QUARANTINE_KEEP_D=1")
    told = json.loads(ask("prune", "--dry-run", "--json", *given))["settings"]
    said = Counter()
    for one in told.values():
        said.update(one["rows"])
    assert told["HISTORY_KEEP_D"]["rows"]["fetch_queue"] == 3
    assert told["QUEUE_KEEP_D"]["rows"] == {"fetch_queue": 2}
    assert not any(one["is_estimate"] for one in told.values())
    assert json.loads(ask("prune", "--json", "--yes", *given))["rows"] == said


def test_a_product_in_a_list_of_its_shop_is_not_counted(ask, conn):
    conn.execute(
        "INSERT INTO watch_lists (list_key, name, domain, detail, refresh_s, digest, loaded_at)"
        " VALUES ('here', 'mine', 3, 'history', 3600, '', now()), ('in another shop', 'mine', 1, 'history', 3600, '',"
        " now())"
    )
    conn.execute(
        "INSERT INTO watched_products (list_key, asin) VALUES ('here', %s), ('in another shop', %s)",
        (OLD[0], OLD[1]),
    )
    told = json.loads(ask("prune", "--dry-run", "--json", "HISTORY_KEEP_D=99"))["settings"]["HISTORY_KEEP_D"]
    assert (told["rows"]["products"], told["rows"]["fetch_queue"]) == (2, 2)
    assert json.loads(ask("prune", "--json", "--yes", "HISTORY_KEEP_D=99"))["rows"]["products"] == 2


def test_a_value_may_be_given_for_one_command(ask):
    assert "QUEUE_KEEP_D=99 would delete 3 of fetch_queue" in ask("prune", "--dry-run", "QUEUE_KEEP_D=99")
    assert json.loads(ask("size", "--json", "queue_keep_d=101"))["settings"]["QUEUE_KEEP_D"]["rows"] == {
        "fetch_queue": 0
    }
    for given, words in (
        ("DEALS_KEEP_D=-1", "'-1' cannot be used; expected a whole number from 0 to 36500"),
        ("DEALS_KEEP_D=1e99", "'1e99' cannot be used"),
        ("DEALS_KEEP_D", "no NAME=DAYS"),
        ("KEEP_D=1", "the names are CALLS_KEEP_D, DEALS_KEEP_D, HISTORY_KEEP_D"),
    ):
        assert words in ask("prune", given, code=2)
    assert "DEALS_KEEP_D (from environment): '36501' cannot be used" in ask("prune", code=78, DEALS_KEEP_D="36501")


def test_values_that_are_given_count_alone_and_are_deleted_by_when_that_is_confirmed(ask, conn):
    dry = ask("prune", "--dry-run", "QUEUE_KEEP_D=99", DEALS_KEEP_D="50")
    assert dry.startswith("QUEUE_KEEP_D=99 would delete 3 of fetch_queue")
    assert len(dry.splitlines()) == 1
    assert "add --yes" in ask("prune", "QUEUE_KEEP_D=99", code=2)
    assert conn.execute("SELECT count(*) FROM fetch_queue").fetchone() == (4,)
    assert ask("prune", "--yes", "QUEUE_KEEP_D=99", DEALS_KEEP_D="50") == "deleted 3 of fetch_queue\n"
    assert conn.execute("SELECT count(*) FROM deals").fetchone() == (4,)


def test_what_a_running_supervisor_was_told_counts_and_no_longer_than_it_runs(ask, tmp_path):
    with told_supervisor(Program(tmp_path).state, {"DEALS_KEEP_D": "0", "READY_S": "5"}):
        assert "every setting says for ever" in ask("prune", DEALS_KEEP_D="50", CALLS_KEEP_D="0")
        assert json.loads(ask("size", "--json", DEALS_KEEP_D="50"))["settings"]["DEALS_KEEP_D"]["days"] == 0
    assert json.loads(ask("size", "--json", DEALS_KEEP_D="50"))["settings"]["DEALS_KEEP_D"]["days"] == 50


def test_what_may_be_deleted_is_told_of_each_table_that_a_setting_names(conn):
    now, some = datetime.now(UTC), Keep(*(1 for _ in Keep._fields))
    freed = estimate.due(conn, sizes.table_sizes(conn), some, now, now)
    assert set(TABLES) == {table for one in freed.values() for table in one.rows}


def test_size_tells_tables_products_selections_and_a_year(ask, conn):
    told = json.loads(ask("size", "--json"))
    (whole,) = conn.execute("SELECT pg_database_size(current_database())").fetchone()
    assert told["bytes"] < told["database_bytes"] == pytest.approx(whole, rel=0.1)
    assert told["bytes"] == sum(table["bytes"] for table in told["tables"].values())
    for table in told["tables"].values():
        assert table["bytes"] == table["heap"] + table["indexes"] + table["toast"]
    assert told["tables"]["products"]["rows"] == 4
    assert told["product"]["bytes"] == sum(told["product"]["tables"].values()) > 0
    (selection,) = told["selections"]
    assert (selection["selection"], selection["domain"], selection["share"]) == ("german", 3, 1.0)
    assert told["year"]["kinds"]["deals"]["rows"] == round(365 / 10)
    shown = ask("size")
    assert "A product takes " in shown
    assert "A year at the pace of the last 10 days adds about " in shown
    assert "german" in shown
    assert "The whole database takes " in shown
    assert "VACUUM FULL" in shown
    assert told["wal_bytes"] > 0
    assert told["free_bytes"] == sum(table["free"] for table in told["tables"].values())
    assert "no longer in the settings" not in shown


def test_size_names_a_selection_that_is_no_more(ask, conn, tmp_path):
    key = parse(GERMAN, name="any").key
    (tmp_path / "other.json").write_text(json.dumps({"domainId": 1, "priceTypes": [2]}))
    others = {"SELECTIONS": str(tmp_path / "other.json")}
    (told,) = json.loads(ask("size", "--json", **others))["selections"]
    assert (told["selection"], told["selection_key"], told["is_in_use"]) == (None, key, False)
    selections.number_of(conn, key)
    selections.keep_name(conn, key, name="german", query=json.dumps(GERMAN))
    (line,) = (line for line in ask("size", **others).splitlines() if line.startswith("german"))
    assert line.endswith("no longer in the settings")
    conn.execute("UPDATE fetch_queue SET selection_key = NULL")
    (told,) = json.loads(ask("size", "--json", **others))["selections"]
    assert (told["selection"], told["selection_key"], told["is_in_use"]) == (None, None, None)


FILL = """
INSERT INTO deal_sightings (domain, asin, last_seen_at)
SELECT 1, 'A' || lpad(n::text, 9, '0'), now() - make_interval(days => n % 100) FROM generate_series(1, 60000) AS n;
INSERT INTO quarantine (kind, domain, key, reason, raw, last_at)
SELECT 'deal', 1, n::text, 'odd', decode(repeat('00', 500), 'hex'), now() - make_interval(days => n % 100)
FROM generate_series(1, 40000) AS n;
ANALYZE deal_sightings, quarantine
"""


def test_size_says_from_when_on_the_supervisor_deletes_by_itself(ask, conn):
    assert "begins to delete" not in ask("size")
    assert "begins to delete by DEALS_KEEP_D a week after the first walk" in ask("size", "DEALS_KEEP_D=50")
    assert json.loads(ask("size", "--json"))["deletes_from"] is None
    now = datetime.now(UTC)
    assert walks.judged_until(conn, now) is None
    begins = datetime.fromisoformat(json.loads(ask("size", "--json"))["deletes_from"])
    assert begins - now == pytest.approx(walks.GRACE, abs=timedelta(minutes=2))
    assert f"by DEALS_KEEP_D and QUEUE_KEEP_D at {minute(begins)}; `sluicegate db prune`" in ask(
        "size", "DEALS_KEEP_D=50", "QUEUE_KEEP_D=9"
    )
    state.save(conn, walks.NAME, {"seen": now.isoformat(), "resumed": (now - walks.GRACE).isoformat()})
    assert "begins to delete" not in ask("size", "DEALS_KEEP_D=50")
    conn.execute("UPDATE crawls SET started_at = now() + interval '4 days'")
    later = now + timedelta(days=5)
    assert walks.judged_from(conn, later) == pytest.approx(now + timedelta(days=11), abs=timedelta(minutes=2))


LONG = """
INSERT INTO quarantine (kind, domain, key, reason, raw)
SELECT 'deal', 1, n::text, 'odd', CASE WHEN n % 20 = 0
    THEN (SELECT string_agg(sha256((n * 100 + m)::text::bytea), '') FROM generate_series(1, 300) AS m)
    ELSE decode(repeat('00', 500), 'hex') END
FROM generate_series(1, 20000) AS n
"""


def test_large_tables_are_sampled_and_said_to_be_estimates(conn):
    conn.execute(FILL)
    conn.execute("ANALYZE")
    tables = sizes.table_sizes(conn)
    assert tables["quarantine"].is_estimate
    assert not tables["products"].is_estimate
    assert tables["quarantine"].rows == pytest.approx(40_000, rel=0.05)
    now = datetime.now(UTC) + timedelta(minutes=1)
    freed = estimate.due(conn, tables, Keep(quarantine_d=50), now, now)["quarantine_d"]
    assert freed.rows["quarantine"] == pytest.approx(20_000, rel=0.1)
    assert freed.is_estimate
    assert freed.bytes == pytest.approx(tables["quarantine"].total / 2, rel=0.1)


def test_room_that_deleted_rows_have_left_is_told_once_it_can_be_used_again(conn):
    conn.execute(LONG)
    conn.execute("VACUUM ANALYZE quarantine")
    tables = {"quarantine": sizes.table_sizes(conn)["quarantine"]}
    whole = tables["quarantine"].heap + tables["quarantine"].toast
    assert free_room.free_room(conn, tables)["quarantine"] < 0.2 * whole
    conn.execute("DELETE FROM quarantine WHERE id % 40 < 20")
    conn.execute("VACUUM ANALYZE quarantine")
    tables = {"quarantine": sizes.table_sizes(conn)["quarantine"]}
    assert free_room.free_room(conn, tables)["quarantine"] == pytest.approx(whole / 2, abs=0.2 * whole)


@pytest.mark.skipif(PARTS > 0, reason="so few rows do not fill the pages of so many parts")
def test_a_table_that_was_just_filled_has_little_room_free(gathered):
    tables = sizes.table_sizes(gathered)
    free = free_room.free_room(gathered, tables)
    assert free.keys() == tables.keys()
    for name in ("products", "price_series_rows", "deal_rows"):
        assert free[name] < 0.2 * (tables[name].heap + tables[name].toast)


def test_each_table_is_explained_and_each_that_is_explained_is_there(conn):
    page = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()
    rows = page.partition("| table | holds | grows with |\n")[2].partition("\n\n")[0].splitlines()[1:]
    explained = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    tables = sizes.table_sizes(conn).keys()
    assert explained <= tables, "docs/operations.md explains tables that are not there"
    assert explained >= {"deal_rows", "deal_sightings", "products", "price_series_rows", "fetch_queue", "calls"}


def test_of_calls_whole_months_and_the_old_of_before_the_first_are_told(conn):
    now = datetime.now(UTC)
    first = months.parts(conn)[0].end
    for at in (now - timedelta(days=500), now, first):
        calls.record(conn, a_call(at=at))
    tables = sizes.table_sizes(conn)
    assert tables["calls"].rows == 3
    told = [
        estimate.due(conn, tables, Keep(calls_d=days), at, at)["calls_d"].rows
        for days, at in ((400, now), (600, now), (1, first + timedelta(days=1)))
    ]
    assert told == [{"calls": 1}, {"calls": 0}, {"calls": 2}]
    far = now + timedelta(days=400)  # a month that nobody has made: of a clock that was set
    calls.record(conn, a_call(at=far))
    assert conn.execute("SELECT count(*) FROM calls_other").fetchone() == (2,)
    freed = estimate.due(conn, sizes.table_sizes(conn), Keep(calls_d=1), far + timedelta(days=2), far)["calls_d"]
    assert (freed.rows, freed.is_estimate) == ({"calls": 4}, False)
    assert freed.bytes > 0


def test_nobody_waits_for_a_prune_that_waits_for_a_lock(ask, conn):
    with conn.transaction():
        conn.execute("LOCK TABLE quarantine IN ACCESS EXCLUSIVE MODE")
        assert "another one holds a lock" in ask("prune", "QUARANTINE_KEEP_D=1", "--yes", code=75)


def test_a_new_database_has_no_pace(conn):
    assert pace.year(conn, sizes.table_sizes(conn), datetime.now(UTC)) is None


def test_tables_of_others_in_the_same_schema_need_not_be_readable(conn):
    conn.execute("CREATE ROLE sees_ours; GRANT SELECT ON ALL TABLES IN SCHEMA public TO sees_ours")
    conn.execute("CREATE TABLE theirs AS SELECT n FROM generate_series(1, 99) AS n; ANALYZE theirs; SET ROLE sees_ours")
    try:
        found = sizes.table_sizes(conn)
        assert (found["theirs"].rows, found["theirs"].is_estimate) == (99, True)
        assert (found["selections"].rows, found["selections"].is_estimate) == (0, False)
        assert "theirs" not in free_room.free_room(conn, found)
        assert sizes.wal_bytes(conn) is None
    finally:
        conn.execute("RESET ROLE; DROP OWNED BY sees_ours; DROP ROLE sees_ours")

"""`quarantine` lists, shows, retries and drops what could not be used."""

import json

import msgspec
import pytest

from tasks.errors import NoRows
from tasks.store import quarantine
from tasks.store.quarantine import FaultFilter
from tests.fixtures.database.faults import count, give_up, keep

ASIN = "B000000001"


@pytest.fixture
def three(conn, make_deal):
    """A deal that can be read, a product given up, and a body nobody takes."""
    keep(conn, "deal", ASIN, msgspec.json.encode(make_deal(ASIN)))
    give_up(conn, "B000000002")
    return keep(conn, "body", "/bestsellers x page 0", b'{"\x1b[31m": "\xff"}', reason="nobody takes it", domain=3)


def test_faults_are_listed_with_filters_and_counts(ask, database_url, three):
    code, out = ask(database_url, "quarantine", "list")
    assert (code, len(out.splitlines())) == (0, 5)
    assert out.splitlines()[-1].startswith("3 (1 body, 1 deal, 1 product; ")
    told = json.loads(ask(database_url, "quarantine", "list", "--kind", "body", "--json")[1])
    assert (told["total"], [fault["id"] for fault in told["faults"]]) == (1, [three])
    for filters, found in [
        (["--domain", "de"], 1), (["--key", "b00000000"], 2), (["--reason", "NOBODY"], 1), (["--key", "%"], 0),
        (["--limit", "1"], 3),
    ]:  # fmt: skip
        assert json.loads(ask(database_url, "quarantine", "list", *filters, "--json")[1])["total"] == found
    assert ask(database_url, "quarantine", "list", "--key", "%")[1] == "no such fault is in quarantine\n"


def test_a_fault_is_shown_without_anything_a_terminal_would_obey_and_whole_on_request(ask, database_url, conn):
    raw = b'{"title": "\x1b[31m' + b"x" * 9_000 + b'"}'
    kept = str(keep(conn, "body", "/deal x page 0", raw))
    shown = ask(database_url, "quarantine", "show", kept)[1]
    assert f"sluicegate quarantine retry {kept}: a retry reads what was kept" in shown
    assert "\x1b" not in shown
    assert "more characters: --raw" in shown
    assert ask(database_url, "quarantine", "show", kept, "--raw")[1].encode() == raw
    assert json.loads(ask(database_url, "quarantine", "show", kept, "--json")[1])["raw"].encode() == raw
    with pytest.raises(NoRows, match="no fault 999 in quarantine"):
        ask(database_url, "quarantine", "show", "999")


@pytest.mark.usefixtures("three")
def test_retry_tells_what_became_of_each_and_fails_if_any_is_left(ask, database_url, conn):
    code, out = ask(database_url, "quarantine", "retry", "--all")
    assert (code, out.splitlines()[-1]) == (1, "1 read, 1 queued, 0 settled, 1 left")
    assert (count(conn, "deals"), count(conn, "quarantine")) == (1, 1)


def test_dropping_more_than_named_numbers_needs_a_yes(ask, database_url, conn, three):
    assert ask(database_url, "quarantine", "drop", "--all")[0] == 2
    assert ask(database_url, "quarantine", "drop", "--kind", "deal")[0] == 2
    assert count(conn, "quarantine") == 3
    assert ask(database_url, "quarantine", "drop", "--kind", "deal", "--yes")[1].startswith("dropped 1 (1 deal; ")
    assert ask(database_url, "quarantine", "drop", str(three)) == (0, "dropped 1 (1 body; 14 B as received)\n")
    assert ask(database_url, "quarantine", "drop", "--all", "--yes")[0] == 0
    assert count(conn, "quarantine") == 0


@pytest.mark.parametrize("verb", ["retry", "drop"])
def test_numbers_that_are_not_there_change_nothing(ask, database_url, conn, three, verb):
    with pytest.raises(NoRows, match="no fault 999 is in quarantine; nothing was changed"):
        ask(database_url, "quarantine", verb, str(three), "999")
    assert count(conn, "quarantine") == 3
    assert ask(database_url, "quarantine", verb)[0] == 2
    assert ask(database_url, "quarantine", verb, "1", "--all")[0] == 2
    with pytest.raises(NoRows, match="no such fault"):
        ask(database_url, "quarantine", verb, "--key", "nowhere")


MANY = """
INSERT INTO quarantine (kind, domain, key, reason, raw)
SELECT CASE WHEN n % 4 = 0 THEN 'product' ELSE 'deal' END, 1, n::text, 'odd', decode(repeat('00', 500), 'hex')
FROM generate_series(1, 30000) AS n
"""


def test_of_many_faults_the_latest_are_found_by_an_index_and_the_number_is_estimated(conn):
    conn.execute(MANY)
    conn.execute("ANALYZE quarantine")
    told = {one.kind: one for one in quarantine.count_faults(conn, FaultFilter())}
    assert told["deal"].faults == pytest.approx(22_500, rel=0.05)
    assert told["deal"].raw_bytes == pytest.approx(22_500 * 500, rel=0.05)
    assert told["product"].is_estimate
    exact = quarantine.count_faults(conn, FaultFilter(kind="product"))
    assert [(one.faults, one.is_estimate) for one in exact] == [(7_500, False)]
    before = rows_read(conn)
    assert len(quarantine.find(conn, FaultFilter(), limit=50)) == 50
    assert rows_read(conn) - before <= 50


def rows_read(conn):
    conn.execute("SELECT pg_stat_force_next_flush()")
    statement = "SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables WHERE relname = 'quarantine'"
    return conn.execute(statement).fetchone()[0]

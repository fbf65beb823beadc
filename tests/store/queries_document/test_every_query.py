"""docs/queries.md and docs/dashboards.md: every query finds something; the role for dashboards only reads."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import conninfo

from tests.fixtures.market import RUN_S
from tests.fixtures.server import START_MS

DOCS = Path(__file__).resolve().parents[3] / "docs"
DASHBOARDS = (DOCS / "dashboards.md").read_text()
DOCUMENT = (DOCS / "queries.md").read_text() + DASHBOARDS.replace("\n### ", "\n## ")
EXAMPLE = "'B08N5WRWNW'"
NOW = f"timestamptz '{datetime.fromtimestamp(START_MS / 1000 + RUN_S, UTC)}'"
EVENING = datetime.fromtimestamp(START_MS / 1000 + RUN_S, UTC) - timedelta(minutes=5)
STAMPED = (("deal_sightings", "last_seen_at"), ("calls", "at"), ("fetch_queue", "finished_at"))  # by the real clock
QUERIES = {
    section.partition("\n")[0]: query
    for section in DOCUMENT.split("\n## ")
    for query in re.findall(r"^```sql\n([^`]*)^```", section, re.MULTILINE)
}


def test_every_query_of_the_document_is_tested():
    assert len(QUERIES) == DOCUMENT.count("```sql\n") >= 14


@pytest.fixture(scope="module")
def filled(pg_server, market_template):
    """A connection to a copy that no test of this file changes, with something in quarantine."""
    from tasks.store.connection import connect

    url, name = pg_server.create(market_template)
    with connect(url, application_name="test") as connection:
        for table, column in STAMPED:
            connection.execute(f"UPDATE {table} SET {column} = %s WHERE {column} IS NOT NULL", (EVENING,))
        connection.execute(
            "UPDATE calls_hourly SET hour = calls_hourly.hour + (date_bin('1 hour', %s, 'epoch') - last.hour)"
            " FROM (SELECT max(hour) AS hour FROM calls_hourly) AS last",
            (EVENING,),
        )
        connection.execute("INSERT INTO quarantine (kind, domain, key, reason) VALUES ('body', 1, 'key', 'reason')")
        connection.execute("UPDATE calls SET waited_s = 61.5 WHERE tier = 'backfill'")  # in virtual time none waits
        connection.commit()
        connection.read_only = True
        yield connection
    pg_server.drop(name)


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_of_the_document_finds_something(filled, name):
    (asin,) = filled.execute(
        "SELECT asin FROM price_series WHERE price_type IN (0, 1) AND domain = 1 AND cardinality(minutes) > 20"
        " GROUP BY asin HAVING count(*) = 2 ORDER BY asin LIMIT 1"
    ).fetchone()
    query = QUERIES[name].replace(EXAMPLE, f"'{asin}'").replace("now()", NOW)  # the market's now, the same in every run
    found = filled.execute(query.encode()).fetchall()
    filled.rollback()
    assert found
    assert any(value is not None for row in found for value in row)


def test_the_role_for_dashboards_reads_everything_and_changes_nothing(database_url):
    (statements,) = re.findall(r"^```sql role\n([^`]*)^```", DASHBOARDS, re.MULTILINE)
    told = conninfo.conninfo_to_dict(database_url)
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute(statements.encode())
        try:
            url = conninfo.make_conninfo(database_url, user="sluicegate_reader", password="change-me")
            assert told["user"] != "sluicegate_reader"
            with psycopg.connect(url, autocommit=True) as reader:
                for table in ("current_deals", "price_history", "calls_hourly", "messages"):
                    reader.execute(f"SELECT * FROM {table}")
                with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                    reader.execute("DELETE FROM calls_hourly")
                reader.execute("SET default_transaction_read_only = off")
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    reader.execute("DELETE FROM calls_hourly")
        finally:
            owner.execute("DROP ROLE sluicegate_reader")

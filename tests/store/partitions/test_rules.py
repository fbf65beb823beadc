"""Nothing in the schema or in a statement keeps the rows from being spread by the hash of the ASIN."""

import pytest

from tasks.store.partitions.tables import KEYS
from tests.fixtures.database.partition_rules import faults_of_statements, faults_of_tables, statements_of_the_store


def test_the_schema_obeys_every_rule(conn):
    assert faults_of_tables(conn) == []


def test_every_table_that_is_spread_has_the_key_that_is_said(conn):
    keys = conn.execute(
        """SELECT c.relname, array_agg(a.attname ORDER BY k.place)
        FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
        CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place)
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.number
        WHERE i.indisprimary AND c.relname = ANY(%s) GROUP BY c.relname""",
        (list(KEYS),),
    ).fetchall()
    assert {name: tuple(columns) for name, columns in keys} == KEYS


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        (
            "CREATE UNIQUE INDEX fetch_queue_lease_once ON fetch_queue (lease) WHERE state = 'leased'",
            ("a unique index without the ASIN", "fetch_queue_lease_once"),
        ),
        (
            "ALTER TABLE offers ADD CONSTRAINT of_a_product FOREIGN KEY (domain, asin) REFERENCES products",
            ("a foreign key", "of_a_product"),
        ),
        (
            "ALTER TABLE deal_sightings ALTER last_seen_at SET DEFAULT clock_timestamp()",
            ("a default that is volatile or a function of our own", "deal_sightings: clock_timestamp()"),
        ),
        (
            "ALTER TABLE deal_sightings ALTER last_seen_at SET DEFAULT keepa_time(1)",
            ("a default that is volatile or a function of our own", "deal_sightings: keepa_time(1)"),
        ),
        (
            "ALTER TABLE offers ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY",
            ("a column that is generated or numbered", "offers.number"),
        ),
        (
            "CREATE VIEW lots AS SELECT asin, random() FROM offers",
            ("a function in a view that changes its mind", "random()"),
        ),
    ],
    ids=["unique", "foreign key", "volatile default", "default of ours", "numbered", "volatile view"],
)
def test_a_rule_finds_what_breaks_it(conn, statement, fault):
    conn.execute(statement)
    assert fault in faults_of_tables(conn)


def test_every_statement_obeys_every_rule():
    statements = statements_of_the_store()
    assert len(statements) > 60, "the statements were not found"
    assert faults_of_statements(statements) == []


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        (
            "INSERT INTO products AS t (asin) VALUES (%s) ON CONFLICT DO NOTHING RETURNING t.xmax = 0",
            "a system column, which a row of a partition does not show",
        ),
        (
            "SELECT q.asin FROM fetch_queue AS q JOIN deal_sightings AS s USING (asin) FOR UPDATE OF q SKIP LOCKED",
            "a change or a lock over a table that is whole and one that may be spread",
        ),
        (
            "DELETE FROM offers USING unnest(%s::text[]) AS old (asin) WHERE offers.asin = old.asin",
            "a change that does not say which ASINs",
        ),
    ],
    ids=["system column", "two kinds of tables", "no ASIN"],
)
def test_a_rule_finds_the_statement_that_breaks_it(statement, rule):
    assert faults_of_statements({"one": statement}) == [(rule, "one")]

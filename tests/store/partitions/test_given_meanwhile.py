"""What somebody gives to a table, or takes from it, while it is moved into partitions is so afterwards."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from ledger import SystemClock
from tasks.errors import ConfigError
from tasks.store.connection import connect
from tasks.store.partitions import belongings, layout, tables
from tasks.store.partitions.move import Move
from tests.fakes.waiting import wait_until
from tests.fixtures.database.moving import in_parts
from tests.fixtures.database.postgres import PARTS

pytestmark = pytest.mark.skipif(PARTS > 0, reason="the tables of these tests are to be moved by them")

ROLES = ("first_reader", "second_reader", "writer")
HELD = """
SELECT DISTINCT column_, a.privilege_type, a.grantee::regrole::text, a.is_grantable FROM (
    SELECT coalesce(relacl, acldefault('r', relowner)) AS acl, '' AS column_ FROM pg_class
    WHERE oid = %(table)s::regclass
    UNION ALL
    SELECT attacl, attname FROM pg_attribute
    WHERE attrelid = %(table)s::regclass AND attnum > 0 AND NOT attisdropped
) AS held CROSS JOIN LATERAL aclexplode(held.acl) AS a
"""


def held(conn, table):
    return set(conn.execute(HELD, {"table": table}).fetchall())


@pytest.fixture
def roles(conn):
    """Three roles without any right."""
    for name in ROLES:
        conn.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))
    yield ROLES
    for name in ROLES:
        role = sql.Identifier(name)
        conn.execute(sql.SQL("DROP OWNED BY {0} CASCADE; DROP ROLE {0}").format(role))


@pytest.fixture
def meanwhile(conn):
    """Moves the empty tables, and lets something be done when it has begun, or is about to end."""

    def move(*statements, before="swap"):
        left = list(statements)

        def do(done):
            while left and done.phase == before:
                conn.execute(left.pop(0))

        return in_parts(conn, on_step=do)

    return move


MEANWHILE = (
    "GRANT SELECT ON products TO first_reader WITH GRANT OPTION; REVOKE ALL ON products FROM second_reader",
    "GRANT UPDATE (title), SELECT (asin) ON deal_rows TO second_reader",
    "ALTER TABLE offers OWNER TO writer",
    "COMMENT ON TABLE offers IS 'Theirs.'; COMMENT ON COLUMN products.title IS 'Theirs too.'",
    "COMMENT ON INDEX products_pkey IS 'Of the index.'; COMMENT ON CONSTRAINT offers_pkey ON offers IS 'Of the key.'",
    "ALTER TABLE products ALTER brand SET STATISTICS 321, ALTER title SET (n_distinct = -0.25)",
    "ALTER TABLE deal_rows SET (fillfactor = 71, toast.autovacuum_vacuum_cost_delay = 7)",
    "CREATE STATISTICS together ON domain, brand FROM products; COMMENT ON STATISTICS together IS 'A pair.'",
)
ASKED = {
    "the owner": "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'offers'::regclass",
    "the comments": """SELECT obj_description('offers'::regclass, 'pg_class'),
        obj_description('products_pkey'::regclass, 'pg_class'),
        obj_description((SELECT oid FROM pg_constraint WHERE conname = 'offers_pkey'), 'pg_constraint'),
        (SELECT col_description(attrelid, attnum) FROM pg_attribute
            WHERE attrelid = 'products'::regclass AND attname = 'title')""",
    "the statistics": """SELECT attname, nullif(attstattarget, -1), attoptions FROM pg_attribute
        WHERE attrelid = 'products'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY 1""",
    "the extended ones": """SELECT stxname, pg_get_statisticsobjdef(oid), obj_description(oid, 'pg_statistic_ext')
        FROM pg_statistic_ext ORDER BY 1""",
}
STORED = """
SELECT DISTINCT c.reloptions, t.reloptions FROM pg_partition_tree('deal_rows') AS p
JOIN pg_class AS c ON c.oid = p.relid JOIN pg_class AS t ON t.oid = c.reltoastrelid
"""


@pytest.mark.usefixtures("roles")
@pytest.mark.parametrize("before", ["copy", "swap"])
def test_what_is_given_while_the_tables_are_moved_goes_along(conn, meanwhile, before):
    conn.execute(
        "GRANT SELECT, INSERT ON products TO second_reader; CREATE STATISTICS older ON asin, title FROM products"
    )
    with conn.transaction(force_rollback=True):
        for statement in MEANWHILE:
            conn.execute(statement)
        wanted = {name: conn.execute(query).fetchall() for name, query in ASKED.items()}
        rights = {table: held(conn, table) for table in tables.KEYS}
    assert meanwhile(*MEANWHILE, before=before)
    assert {name: conn.execute(query).fetchall() for name, query in ASKED.items()} == wanted
    assert {table: held(conn, table) for table in tables.KEYS} == rights
    ((options, long_options),) = conn.execute(STORED).fetchall()
    assert "fillfactor=71" in options
    assert "autovacuum_vacuum_cost_delay=7" in long_options


OBSTACLES = {
    "the policy own of offers": "CREATE POLICY own ON offers USING (domain = 1)",
    "row security of offers": "ALTER TABLE offers FORCE ROW LEVEL SECURITY",
    "the publication everything of products": "CREATE PUBLICATION everything FOR ALL TABLES",
    "the publication here of deal_rows": "CREATE PUBLICATION here FOR TABLES IN SCHEMA public",
    "the replica identity of products": "ALTER TABLE products REPLICA IDENTITY FULL",
    "the trigger touched of products": "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql"
    " AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER touched AFTER UPDATE ON products FOR EACH ROW EXECUTE FUNCTION f()",
}


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_what_does_not_go_along_stops_the_end_and_the_next_call_before_it_does_anything(conn, meanwhile, obstacle):
    steps = []
    with pytest.raises(ConfigError, match=re.escape(obstacle)):
        meanwhile(OBSTACLES[obstacle])
    with pytest.raises(ConfigError, match=re.escape(obstacle)):
        in_parts(conn, on_step=steps.append)
    assert steps == []


@pytest.mark.usefixtures("roles")
def test_a_role_that_is_given_the_right_to_write_meanwhile_writes_at_once(conn, meanwhile):
    write = (
        "GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON deal_sightings TO writer; SET ROLE writer",
        "INSERT INTO deal_sightings VALUES (1, 'A', now()), (1, 'B', now())",
        "DELETE FROM deal_sightings WHERE asin = 'A'",
        "RESET ROLE",
    )
    assert meanwhile(*write, before="compare")
    assert conn.execute("SELECT asin FROM deal_sightings").fetchall() == [("B",)]


@pytest.mark.usefixtures("roles")
def test_nobody_may_write_into_the_table_in_parts_with_a_trigger_of_his_own(meanwhile):
    assert meanwhile(
        """DO $$ BEGIN ASSERT NOT has_function_privilege('writer', 'offers_into_parts_in_parts()', 'EXECUTE');
        ASSERT NOT has_table_privilege('writer', 'offers_in_parts', 'SELECT'); END $$"""
    )


@pytest.mark.usefixtures("roles")
def test_what_is_given_to_all_new_tables_is_not_given_to_those_in_parts(conn, meanwhile):
    before = {table: held(conn, table) for table in tables.KEYS}
    conn.execute("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO first_reader")
    assert meanwhile("SELECT 1")
    assert {table: held(conn, table) for table in tables.KEYS} == before
    (readable,) = conn.execute(
        """SELECT array_agg(relid::regclass::text) FROM pg_partition_tree('products')
        WHERE has_table_privilege('first_reader', relid, 'SELECT')"""
    ).fetchone()
    assert readable is None


WAITS = "SELECT FROM pg_locks WHERE pid = %s AND NOT granted"


@pytest.mark.usefixtures("roles")
@pytest.mark.parametrize("ends", ["between two tries", "during a try"])
def test_the_end_waits_for_one_who_is_giving_a_right_and_takes_it_along(conn, database_url, ends):
    with closing(connect(database_url, application_name="giver")) as giver, ThreadPoolExecutor(1) as others:
        pid, ending = conn.info.backend_pid, []

        def end():
            wait_until(lambda: giver.execute(WAITS, (pid,)).fetchall(), "the move waits for the right")
            giver.commit()

        def give(done):
            if done.phase == "swap":
                giver.execute("GRANT SELECT ON products TO first_reader")
                ending.extend([others.submit(end)] if ends == "during a try" else [])

        moving, waits = Move(conn, SystemClock(), parts=2), []
        moving.stop.wait = lambda _: waits.append(1) or (len(waits) == 2 and not ending and giver.commit()) or False
        assert moving.run(give)
        assert waits or ending
        assert [one.result() for one in ending] == [None] * len(ending)
    assert conn.execute("SELECT has_table_privilege('first_reader', 'products', 'SELECT')").fetchone() == (True,)


GRANTS = st.lists(
    st.tuples(
        st.sampled_from(["GRANT {} ON products TO {} WITH GRANT OPTION", "GRANT {} ON products TO {}"] * 2
            + ["REVOKE {} ON products FROM {} CASCADE", "REVOKE GRANT OPTION FOR {} ON products FROM {} CASCADE"]),
        st.sampled_from(["SELECT", "INSERT", "ALL", "SELECT (asin)", "UPDATE (title, asin)", "SELECT (title)"]),
        st.sampled_from([*ROLES, "PUBLIC", "CURRENT_USER"]),
    ).filter(lambda one: "PUBLIC" not in one or "WITH" not in one[0]).map(lambda one: one[0].format(*one[1:])),
    max_size=5,
)  # fmt: skip


@pytest.mark.usefixtures("roles")
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=GRANTS, meanwhile=GRANTS)
def test_whatever_is_granted_before_and_meanwhile_is_held_afterwards_and_no_more(conn, before, meanwhile):
    with conn.transaction(force_rollback=True):
        for statement in before:
            conn.execute(statement)
        layout.create(conn, "products", 2)
        assert held(conn, "products_in_parts") == held(conn, "products")
        for statement in meanwhile:
            conn.execute(statement)
        belongings.give(conn, "products", "products_in_parts")
        assert held(conn, "products_in_parts") == held(conn, "products")

"""The tables may be of a role that is no superuser, and be moved by it, by a member of it, or by both in turn."""

from __future__ import annotations

import re
from contextlib import closing

import pytest

from ledger import SystemClock
from tasks.errors import ConfigError
from tasks.store.connection import connect
from tasks.store.partitions import tables
from tasks.store.partitions.move import Move
from tests.fixtures.database.moving import in_parts
from tests.fixtures.database.postgres import PARTS

pytestmark = pytest.mark.skipif(PARTS > 0, reason="the tables of these tests are to be moved by them")

OWN = """
SELECT format('ALTER %s %s OWNER TO app', CASE relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, oid::regclass)
FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')
UNION ALL
SELECT format('ALTER ROUTINE %s OWNER TO app', oid::regprocedure) FROM pg_proc
WHERE pronamespace = 'public'::regnamespace
"""


class HaltedError(Exception):
    """The one who moves is gone."""


@pytest.fixture
def owned(conn):
    """The role `app` owns everything, and `person` is a member of it; neither may make tables."""
    conn.execute("CREATE ROLE app; CREATE ROLE person IN ROLE app; REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    for (statement,) in conn.execute(OWN).fetchall():
        conn.execute(statement)
    yield conn
    conn.execute("REASSIGN OWNED BY person, app TO CURRENT_USER; DROP OWNED BY person, app; DROP ROLE person, app")


@pytest.fixture
def acting(database_url):
    """A line of a role."""
    lines = []

    def act(role):
        line = connect(database_url, application_name=role, autocommit=True)
        lines.append(line)
        line.execute(f"SET SESSION AUTHORIZATION {role}")
        return line

    yield act
    for line in lines:
        line.close()


def halt(done):
    if done.phase == "compare":
        raise HaltedError


@pytest.mark.parametrize(("role", "lacking"), [("app", ["app"]), ("person", ["app", "person"]), ("person", ["app"])])
def test_who_may_not_make_tables_is_named_with_what_to_grant_and_then_it_goes(owned, acting, role, lacking):
    if "person" not in lacking:
        owned.execute("GRANT CREATE ON SCHEMA public TO person")
    before = owned.execute("SELECT count(*) FROM pg_class").fetchone()
    grants = " ".join(f"GRANT CREATE ON SCHEMA public TO {one};" for one in lacking)
    with pytest.raises(ConfigError, match=re.escape(f"run {grants} It may")):
        in_parts(acting(role))
    assert owned.execute("SELECT count(*) FROM pg_class").fetchone() == before
    owned.execute(grants)
    assert in_parts(acting(role))


@pytest.mark.parametrize("ending", ["goes on", "abandons"])
def test_what_another_role_began_the_owner_may_end(owned, acting, ending):
    owned.execute("GRANT CREATE ON SCHEMA public TO app")
    with pytest.raises(HaltedError):
        in_parts(owned, on_step=halt)
    with closing(acting("app")) as line:
        line.execute("INSERT INTO deal_sightings VALUES (1, 'A', now())")
        assert in_parts(line) if ending == "goes on" else Move(line, SystemClock(), parts=3).abandon()
        assert line.execute("SELECT asin FROM deal_sightings").fetchall() == [("A",)]
    assert owned.execute(
        "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE oid = ANY (%s::regclass[])", (list(tables.KEYS),)
    ).fetchall() == [("app",)]

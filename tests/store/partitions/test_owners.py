"""The tables may be of a role that is no superuser, and be moved by it, or by a member of it."""

from __future__ import annotations

import re

import pytest

from tasks.errors import ConfigError
from tasks.store.connection import connect
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

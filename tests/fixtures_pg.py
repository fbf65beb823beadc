"""A real PostgreSQL for tests: one server per run, one database per test, copied from a migrated template."""

from __future__ import annotations

import itertools
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql

from tasks.embedded_postgres.server import EmbeddedPostgres
from tasks.store import migrate
from tasks.store.connection import connect

TEMPLATE = "template_sluicegate"
FOR_POWER_CUTS = ("fsync", "full_page_writes", "synchronous_commit")
_NUMBERS = itertools.count(1)


class Server:
    """The run's server, from which each test gets a database."""

    def __init__(self, server):
        self.server = server
        self.dropped = []
        self.admin_url = server.start("postgres")
        # What is written here need not outlive the machine: tests kill processes, and those lose nothing by it.
        self._admin(*(sql.SQL(f"ALTER SYSTEM SET {name} = off") for name in FOR_POWER_CUTS))
        self._admin(sql.SQL("SELECT pg_reload_conf()"))
        with connect(server.start(TEMPLATE), application_name="tests", autocommit=True) as conn:
            migrate.migrate(conn)

    def create(self, template=TEMPLATE):
        name = f"test_{next(_NUMBERS)}"
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        old, self.dropped = self.dropped[:-1], self.dropped[-1:]
        self._admin(statement, *(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)) for name in old))
        return self.server.url(name), name

    @contextmanager
    def copy(self, template):
        """The URL of a database like the template, for as long as it is needed."""
        url, name = self.create(template)
        yield url
        self.drop(name)

    def drop(self, name):
        """Drop it when another one has been made: just after a client has left, the server waits 0.1 s for it."""
        self.dropped.append(name)

    def _admin(self, *statements):
        with psycopg.connect(self.admin_url, autocommit=True) as conn:
            for statement in statements:
                conn.execute(statement)


@pytest.fixture(scope="session")
def pg_server(tmp_path_factory):
    """One embedded server for the whole run."""
    with EmbeddedPostgres(tmp_path_factory.mktemp("pg")) as server:
        yield Server(server)


@pytest.fixture
def database_url(pg_server):
    """The URL of a database of this test's own, with the schema and without rows."""
    with pg_server.copy(TEMPLATE) as url:
        yield url


@pytest.fixture
def empty_database_url(pg_server):
    """The URL of a database of this test's own, without the schema."""
    with pg_server.copy("template1") as url:
        yield url


@pytest.fixture
def conn(database_url):
    """A connection to this test's database, outside a transaction."""
    with connect(database_url, application_name="test", autocommit=True) as connection:
        yield connection

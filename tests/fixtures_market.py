"""A database that both jobs have filled from a simulator: made once a run, copied for each test."""

from __future__ import annotations

import pytest

from supervisor.cli import commands
from tasks.store.connection import connect
from tests.fixtures_jobs import QUERY
from tests.fixtures_town import Town

RUN_S = 120


@pytest.fixture(scope="session")
def market_template(pg_server, tmp_path_factory):
    """The name of that database; nobody may be connected to it."""
    url, name = pg_server.create()
    town = Town(tmp_path_factory.mktemp("market"), url, QUERY, rate=60, deals=160)
    try:
        for role in ("upsert", "backfill"):
            town.run(town.job(role), RUN_S)
    finally:
        town.close()
    with connect(url, application_name="test", autocommit=True) as conn:
        conn.execute("ANALYZE")
    return name


@pytest.fixture(scope="session")
def gathered_url(pg_server, market_template):
    """The URL of a copy for all who only look."""
    with pg_server.copy(market_template) as url:
        yield url


@pytest.fixture
def gathered(gathered_url):
    """A connection to it that can change nothing."""
    with connect(gathered_url, application_name="test", autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = on")
        yield connection


@pytest.fixture
def market_url(pg_server, market_template):
    """The URL of a copy of this test's own."""
    with pg_server.copy(market_template) as url:
        yield url


@pytest.fixture
def market(market_url):
    """A connection to it, outside a transaction."""
    with connect(market_url, application_name="test", autocommit=True) as connection:
        yield connection


@pytest.fixture
def ask(monkeypatch, tmp_path, capsys):
    """A function that runs a command against the database `url` and gives its exit code and what it printed."""
    monkeypatch.chdir(tmp_path)  # no `.env` of the folder the tests are started in
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "state"))

    def run(url, *arguments):
        monkeypatch.setenv("DATABASE_URL", url)
        code = commands.dispatch(arguments)
        return code, capsys.readouterr().out

    return run

"""PgBouncer in front of the tests' server, where it is installed: each transaction may go to another session."""

from __future__ import annotations

import shutil
import subprocess
from urllib.parse import quote

import psycopg
import pytest
from psycopg import conninfo

from tasks.embedded_postgres import programs, run_as
from tests.fixtures_jobs import eventually

SKIPPED = "PgBouncer is not installed (apt-get install pgbouncer)"
SETTINGS = {
    "pool_mode": "transaction",
    "auth_type": "any",
    "default_pool_size": 3,  # fewer than there are clients: sessions go from hand to hand
    "max_client_conn": 100,
    "log_connections": 0,
    "log_disconnections": 0,
}


class Pooler:
    """One PgBouncer, reached by a socket in `folder`."""

    def __init__(self, folder, server_url, **settings):
        self.folder = folder
        told = conninfo.conninfo_to_dict(server_url)
        given = (
            SETTINGS | {"unix_socket_dir": str(folder), "listen_port": 6432, "logfile": str(folder / "log")} | settings
        )
        self.port = given["listen_port"]
        lines = [f"* = host={told['host']} port={told['port']} user={told['user']}"]
        (folder / "ini").write_text(
            "\n".join(["[databases]", *lines, "[pgbouncer]", *(f"{name} = {value}" for name, value in given.items())])
        )
        owner = folder.stat()
        who = run_as.choose(owner.st_uid, owner.st_gid)
        program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin:/usr/local/sbin")
        self.process = subprocess.Popen(
            programs.under_identity(who, folder, [program, str(folder / "ini")]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def url(self, database_url):
        """The same database through this pooler."""
        told = conninfo.conninfo_to_dict(database_url)
        return f"postgresql://{told['user']}@/{told['dbname']}?host={quote(str(self.folder), safe='')}&port={self.port}"

    def is_ready(self, database_url):
        assert self.process.poll() is None, (self.folder / "log").read_text()
        try:
            psycopg.connect(self.url(database_url)).close()
        except psycopg.OperationalError:
            return False
        return True

    def close(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="session")
def make_pooler(pg_server, tmp_path_factory):
    """A function that starts a PgBouncer with these settings."""
    if shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin:/usr/local/sbin") is None:
        pytest.skip(SKIPPED)
    made = []

    def make(**settings):
        made.append(Pooler(tmp_path_factory.mktemp("pooler"), pg_server.admin_url, **settings))
        eventually(lambda: made[-1].is_ready(pg_server.admin_url), "PgBouncer answers")
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="session")
def pooler(make_pooler):
    """One for all tests that need nothing special of it."""
    return make_pooler()


@pytest.fixture
def pooled_url(pooler, database_url):
    """This test's database through the pooler."""
    return pooler.url(database_url)

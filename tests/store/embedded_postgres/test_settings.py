"""The defaults of the embedded server follow the machine, and give way to whatever the user sets."""

import json
import os
import subprocess
import sys

import psycopg
import pytest

from tasks.embedded_postgres import compression
from tasks.embedded_postgres.server import EmbeddedPostgres
from tasks.errors import ConfigError
from tests.fakes.waiting import wait_until

GB = 2**30
# Not in the process of the test: the limit is for good.
WITH_LITTLE_ADDRESS_SPACE = """
import json, resource, sys
from pathlib import Path
import psycopg
from tasks.embedded_postgres.server import EmbeddedPostgres
resource.setrlimit(resource.RLIMIT_AS, (1_000_000_000, 1_000_000_000))
with EmbeddedPostgres(Path(sys.argv[1]), memory_bytes=32 * 2**30) as server:
    with psycopg.connect(server.url()) as conn:
        (size,) = conn.execute("SHOW shared_buffers").fetchone()
    print(json.dumps([size, server.notes]))
"""


def shown(server, *names):
    with psycopg.connect(server.url()) as conn:
        return [conn.execute("SELECT current_setting(%s)", (name,)).fetchone()[0] for name in names]


def test_they_are_made_for_the_machine_at_each_start_and_what_the_user_sets_wins(home):
    names = "shared_buffers", "work_mem", "maintenance_work_mem", "jit"
    with EmbeddedPostgres(home, memory_bytes=GB // 2) as server:
        assert shown(server, *names) == ["64MB", "4MB", "32MB", "off"]
        with psycopg.connect(server.url(), autocommit=True) as conn:
            conn.execute("ALTER SYSTEM SET work_mem = '11MB'")
    with (home / "data" / "postgresql.conf").open("a") as conf:
        conf.write("maintenance_work_mem = 128MB\n")
    with EmbeddedPostgres(home, memory_bytes=2 * GB) as server:
        assert shown(server, *names) == ["256MB", "11MB", "128MB", "off"]
        assert server.notes == []


@pytest.mark.kill
def test_where_shared_memory_is_refused_it_starts_with_less_and_says_so(home):
    command = [sys.executable, "-c", WITH_LITTLE_ADDRESS_SPACE, str(home)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": "."})
    size, notes = json.loads(done.stdout)
    assert size in {"256MB", "512MB"}
    assert len(notes) == 1
    assert notes[0].endswith("MB (shared_buffers)")
    assert "so it works with" in notes[0]


def test_a_cluster_that_programs_with_lz4_served_is_not_opened_by_those_without(home):
    note = home / "data" / "sluicegate.lz4"
    if note.is_file():
        pytest.skip("the programs that come along have lz4 now")
    note.write_text("/usr/lib/postgresql/18/bin")
    with pytest.raises(ConfigError, match=r"set POSTGRES_BIN_DIR to .*, /usr/lib/postgresql/18/bin"):
        EmbeddedPostgres(home).start()
    wait_until(lambda: not EmbeddedPostgres(home).is_running(), "its end")


class WithLz4:
    """A connection to a server that has it."""

    def execute(self, _statement):
        return self

    def fetchone(self):
        return (True,)


def test_programs_with_lz4_are_noted_in_the_cluster_they_serve(tmp_path):
    for programs in (tmp_path / "bin", tmp_path / "other"):
        compression.check(tmp_path, programs, WithLz4(), None)
        assert (tmp_path / "sluicegate.lz4").read_text() == str(tmp_path / "bin")

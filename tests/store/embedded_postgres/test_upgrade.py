"""A cluster of another major version: told of, and moved when a person asks, with every row or not at all."""

import json
import random
import shutil
import subprocess
import sys
import threading

import psycopg
import pytest

from tasks.embedded_postgres import major_upgrade, programs
from tasks.embedded_postgres.server import EmbeddedPostgres
from tasks.errors import ConfigError, StoreError
from tests.fakes.program.cli_program import Program

OLD = next(filter(None, map(programs.of_major, (16, 17, 15))), None)
pytestmark = pytest.mark.skipif(OLD is None, reason="no programs of an older PostgreSQL are installed (postgresql-15)")
FILLED = """
CREATE ROLE reader LOGIN;
CREATE TABLE kept (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, texts text[]);
INSERT INTO kept (texts) SELECT ARRAY['a', repeat('ü', n)] FROM generate_series(1, 1000) AS n;
GRANT SELECT ON kept TO reader;
ALTER DATABASE sluicegate SET work_mem = '9MB';
"""


def rows(server):
    with psycopg.connect(server.url()) as conn:
        return conn.execute("SELECT count(*), sum(length(texts[2])), max(id) FROM kept").fetchone()


@pytest.fixture(scope="module")
def untouched(tmp_path_factory):
    """The program, in a directory with a database that the older version made: for commands that change nothing."""
    program = Program(tmp_path_factory.mktemp("old"))
    with EmbeddedPostgres(program.state / "postgres", with_programs=OLD) as server:  # noqa: SIM117
        with psycopg.connect(server.url(), autocommit=True) as conn:
            conn.execute(FILLED)
            conn.execute("ALTER SYSTEM SET deadlock_timeout = '2s'")
    return program


@pytest.fixture
def program(untouched, tmp_path):
    """The same, of the test's own."""
    program = Program(tmp_path)
    shutil.copytree(untouched.state, program.state, symlinks=True)
    return program


def test_it_is_moved_with_users_and_settings_and_the_old_one_stays(program):
    home = program.state / "postgres"
    with pytest.raises(ConfigError, match="`sluicegate db upgrade` moves the rows and keeps the old directory"):
        EmbeddedPostgres(home).start()
    done = program.command("db", "upgrade", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["moved"], told["from"], told["to"]) == (0, True, OLD.major, programs.MAJOR)
    assert told["rows"]["sluicegate"] == {"public.kept": 1000}
    assert told["settings"] == ["deadlock_timeout"]
    with EmbeddedPostgres(home) as server, psycopg.connect(server.url(), autocommit=True) as conn:
        assert rows(server) == (1000, 500_500, 1000)
        assert conn.execute("SELECT has_table_privilege('reader', 'kept', 'SELECT')").fetchone() == (True,)
        assert conn.execute("SHOW work_mem").fetchone() == ("9MB",)
        conn.execute("INSERT INTO kept DEFAULT VALUES")
    (home / f"data.{OLD.major}").rename(home / "before")
    assert (home / "before" / "PG_VERSION").read_text() == f"{OLD.major}\n"
    again = program.command("db", "upgrade")
    assert (again.returncode, again.stdout) == (0, f"nothing to move: it is of PostgreSQL {programs.MAJOR}\n")


@pytest.mark.kill
def test_rows_that_get_lost_on_the_way_leave_the_old_cluster_in_its_place(program, tmp_path):
    home, new, lossy = program.state / "postgres", programs.find(), tmp_path / "bin"
    lossy.mkdir()
    for path in new.directory.iterdir():
        if path.name != "pg_restore":
            (lossy / path.name).symlink_to(path)
    (lossy / "pg_restore").write_text(f'#!/bin/sh\n{new.directory}/pg_restore --schema-only "$@" && exec cat\n')
    (lossy / "pg_restore").chmod(0o755)
    with pytest.raises(StoreError, match=r"public\.kept 1,000 and 0\), so the old one stays"):
        major_upgrade.move(home, OLD, programs.Programs(directory=lossy, major=new.major), lambda _: None)
    with EmbeddedPostgres(home, with_programs=OLD) as server:
        assert rows(server) == (1000, 500_500, 1000)
    assert major_upgrade.move(home, OLD, new, lambda _: None).rows["sluicegate"] == {"public.kept": 1000}


@pytest.mark.kill
def test_a_move_that_is_killed_at_any_moment_is_made_again_or_was_whole(program):
    home, pause, chance = program.state / "postgres", threading.Event(), random.Random(3)
    for _ in range(8):
        command = [sys.executable, "-m", "supervisor", "db", "upgrade"]
        with subprocess.Popen(command, cwd=program.cwd, env=program.environment(), stderr=subprocess.DEVNULL) as move:
            pause.wait(0.5 + chance.random() * 8)
            move.kill()
    done = program.command("db", "upgrade")
    assert done.returncode == 0, done.stderr
    assert not (home / "upgrade").exists()
    with EmbeddedPostgres(home) as server:
        assert rows(server) == (1000, 500_500, 1000)
    shutil.rmtree(home / "data")
    (home / f"data.{OLD.major}").rename(home / "data")
    with EmbeddedPostgres(home, with_programs=OLD) as server:
        assert rows(server) == (1000, 500_500, 1000)


def test_what_an_earlier_move_left_is_not_written_over(untouched):
    left = untouched.state / "postgres" / f"data.{OLD.major}"
    left.mkdir()
    done = untouched.command("db", "upgrade")
    left.rmdir()
    assert done.returncode == ConfigError.exit_code
    assert "is left of an earlier move: delete it, or rename it" in done.stderr


def test_the_old_programs_serve_it_as_it_is_and_wrong_ones_are_refused(untouched):
    program, there = untouched, str(OLD.directory)
    done = program.command("psql", "--no-psqlrc", "-Atc", "SHOW server_version_num", POSTGRES_BIN_DIR=there)
    assert done.stdout.startswith(f"{OLD.major}0")
    wrong = program.command("db", "upgrade", "--from", str(programs.find().directory))
    assert wrong.returncode == ConfigError.exit_code
    assert f"has the programs of PostgreSQL {programs.MAJOR}, and {OLD.major} made the database" in wrong.stderr
    doctor = json.loads(program.command("doctor", "--json").stdout)
    database = next(one for one in doctor["checks"] if one["check"] == "database")
    assert database["verdict"] == "bad"
    assert "`sluicegate db upgrade` moves the rows" in database["words"]

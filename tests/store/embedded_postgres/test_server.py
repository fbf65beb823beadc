"""The embedded server: durable, gone with its last user, and never in need of a hand."""

import contextlib
import json
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pytest

from tasks.embedded_postgres import pid_file, programs
from tasks.embedded_postgres.server import EmbeddedPostgres
from tasks.errors import ConfigError, StoreError
from tests.fakes.waiting import LIMIT_S, wait_until
from tests.fixtures.database.one_statement import query

FAKE = Path(__file__).resolve().parents[2] / "fakes" / "database" / "postgres_user.py"


@contextlib.contextmanager
def user(home, *how):
    """A process that uses the server in `home`, killed at the end if it is still there."""
    command = [sys.executable, str(FAKE), str(home), *how]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def said_url(process):
    return json.loads(process.stdout.readline())["url"]


def leave(process):
    process.stdin.close()
    assert process.wait(LIMIT_S) == 0


def is_running(home):
    return EmbeddedPostgres(home).is_running()


def test_rows_are_there_after_a_stop_and_a_start_and_half_a_cluster_is_made_anew(tmp_path):
    home = tmp_path / "pg"
    (home / "data.new" / "base").mkdir(parents=True)
    (home / "data.new" / "PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(home) as server:
        query(server.url(), "CREATE TABLE kept AS SELECT 1 AS a")
    assert not is_running(home)
    assert not (home / "data" / "postmaster.pid").exists()
    with EmbeddedPostgres(home) as server:
        assert query(server.url(), "SELECT a FROM kept") == [(1,)]


def test_the_server_is_durable_private_and_without_a_port(home):
    with EmbeddedPostgres(home) as server:
        shown = dict(
            query(
                server.url(),
                """SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'data_checksums',
                'synchronous_commit', 'listen_addresses', 'server_encoding', 'TimeZone', 'max_wal_size')""",
            )
        )
        assert query(server.url(), "SELECT datcollate FROM pg_database WHERE datname = 'sluicegate'") == [("C",)]
    assert shown == {
        "fsync": "on",
        "full_page_writes": "on",
        "data_checksums": "on",
        "synchronous_commit": "on",
        "listen_addresses": "",
        "server_encoding": "UTF8",
        "TimeZone": "UTC",
        "max_wal_size": "4096",
    }
    assert stat.S_IMODE((home / "data").stat().st_mode) == 0o700


def test_start_is_idempotent_and_makes_each_database_once(home):
    server = EmbeddedPostgres(home)
    try:
        urls = [server.start("one"), server.start("two"), server.start("one")]
        assert urls[0] == urls[2] != urls[1]
        assert query(urls[0], "SELECT current_database()") == [("one",)]
    finally:
        server.stop()
    server.stop()
    assert not server.is_running()


def test_a_session_on_the_template_does_not_keep_a_new_database_from_being_made(home):
    with EmbeddedPostgres(home) as server, psycopg.connect(server.url("template1")):
        assert query(server.start("late"), "SELECT current_database()") == [("late",)]


def test_a_killed_starter_leaves_no_server_and_no_row_behind(home):
    with user(home) as process:
        url = said_url(process)
        query(url, "CREATE TABLE kept AS SELECT 7 AS a")
        process.kill()
        process.wait(LIMIT_S)
        wait_until(lambda: not is_running(home), "its end")
    assert "database system is shut down" in (home / "server.log").read_text()
    with EmbeddedPostgres(home) as server:
        assert query(server.url(), "SELECT a FROM kept") == [(7,)]


@pytest.mark.parametrize("how", ["as usual", "deaf"])
def test_a_starter_killed_as_soon_as_there_is_a_server_leaves_none_behind(home, how):
    """The signal that ends the server comes while it is not yet one, and who runs in the background ignores it."""
    for _ in range(4):
        with user(home, how) as process:
            wait_until(lambda: is_running(home), "the keeper")
            process.kill()
            process.wait(LIMIT_S)
            wait_until(lambda: not is_running(home), "its end")
    with EmbeddedPostgres(home) as server:
        assert query(server.url(), "SELECT 1") == [(1,)]


@pytest.mark.parametrize("end", ["leaves", "is killed"])
def test_the_server_stays_while_another_process_uses_it(home, end):
    with user(home) as starter:
        url = said_url(starter)
        with EmbeddedPostgres(home) as second:
            assert second.url() == url
            (pid,) = query(url, "SELECT pg_postmaster_start_time()")
            if end == "leaves":
                leave(starter)
            else:
                starter.kill()
                starter.wait(LIMIT_S)
            assert query(url, "SELECT pg_postmaster_start_time()") == [pid]
        assert not is_running(home)


def test_a_thread_may_start_it_and_end(home):
    with user(home, "thread") as process:
        assert query(said_url(process), "SELECT 1") == [(1,)]
        leave(process)
    assert not is_running(home)


def test_several_first_starts_at_once_share_one_server(tmp_path):
    home = tmp_path / "pg"
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(user(home)) for _ in range(4)]
        urls = {said_url(process) for process in processes}
        assert len(urls) == 1
        for process in processes:
            assert query(urls.copy().pop(), "SELECT 1") == [(1,)]
            leave(process)
    assert not is_running(home)


def test_start_works_again_after_the_server_was_killed(home):
    server = EmbeddedPostgres(home)
    try:
        url = server.start()
        query(url, "CREATE TABLE kept AS SELECT 3 AS a")
        assert pid_file.signal_server(home / "data", signal.SIGKILL)
        assert server.start() == url
        assert query(url, "SELECT a FROM kept") == [(3,)]
    finally:
        server.stop()
    assert not server.is_running()


def test_a_pid_file_that_names_a_living_stranger_does_no_harm(home):
    stale = f"{os.getpid()}\n{home / 'data'}\n1700000000\n5432\n.\n\n  1 2\nready   \n"
    (home / "data" / "postmaster.pid").write_text(stale)
    (home / "data" / ".s.PGSQL.5432.lock").write_text(f"{os.getpid()}\n")
    with EmbeddedPostgres(home) as server:
        assert query(server.url(), "SELECT 1") == [(1,)]


@pytest.mark.parametrize("content", ["", "12", "not a number\n"])
def test_a_torn_pid_file_does_no_harm(home, content):
    (home / "data" / "postmaster.pid").write_text(content)
    with EmbeddedPostgres(home) as server:
        assert query(server.url(), "SELECT 1") == [(1,)]


def test_a_starter_killed_at_any_moment_of_the_first_start_needs_no_hand(tmp_path):
    home = tmp_path / "pg"
    pause, chance = threading.Event(), random.Random(5)
    for _ in range(2):
        with user(home) as process:
            pause.wait(0.08 + chance.random() * 0.5)
            process.kill()
    with EmbeddedPostgres(home) as server:
        assert query(server.url(), "SELECT 1") == [(1,)]
    assert not is_running(home)
    assert not (home / "data.new").exists()


@pytest.mark.parametrize("name", ["a b,c%20+#\"?&=ü'\\x", "long" * 40])
def test_any_path_will_do(home, tmp_path, name):
    moved = tmp_path / name
    home.rename(moved)
    with EmbeddedPostgres(moved) as server:
        assert query(server.url(), "SELECT 1") == [(1,)]
        psql = subprocess.run(
            [programs.find().directory / "psql", server.url(), "-Atc", "SELECT 2"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert psql.stdout == "2\n"
        detour = Path(psycopg.conninfo.conninfo_to_dict(server.url())["host"]).parent
        assert stat.S_IMODE(detour.stat().st_mode) == 0o700
        assert (moved / "data" / ".s.PGSQL.5432").is_socket()
    shutil.rmtree(detour)


def test_a_detour_made_by_somebody_else_is_not_entered(home, tmp_path):
    moved = tmp_path / ("long" * 40)
    home.rename(moved)
    server = EmbeddedPostgres(moved)
    detour = Path(psycopg.conninfo.conninfo_to_dict(server.url())["host"]).parent
    try:
        detour.chmod(0o755)
        with pytest.raises(ConfigError, match="is not a private directory"):
            server.start()
    finally:
        shutil.rmtree(detour)
    assert not server.is_running()


def test_a_directory_removed_under_the_server_ends_it_with_its_user(home):
    with user(home) as process:
        said_url(process)
        pid = pid_file.read_pid_file(home / "data").pid
        shutil.rmtree(home)
        leave(process)
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), "its end")


def test_a_server_that_cannot_start_says_why(home):
    with (home / "data" / "postgresql.conf").open("a") as conf:
        conf.write("shared_buffers = 'plenty'\n")
    server = EmbeddedPostgres(home)
    with pytest.raises(StoreError, match='invalid value for parameter "shared_buffers"'):
        server.start()
    assert not server.is_running()


def test_a_cluster_of_another_version_is_left_alone(home):
    (home / "data" / "PG_VERSION").write_text("16\n")
    with pytest.raises(
        ConfigError,
        match="made by PostgreSQL 16, and the programs in use are those of 18: `sluicegate db upgrade` moves",
    ):
        EmbeddedPostgres(home).start()
    assert (home / "data" / "PG_VERSION").read_text() == "16\n"

"""psql, back-ups and restores on databases as people have them: with TLS, and under a supervisor that runs."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from supervisor.config import run_plan, settings
from supervisor.database import backend
from tasks.errors import EXIT_ALREADY_RUNNING, EXIT_CONFIG, DatabaseTransient
from tests.fakes.program.cli_program import Program, wait_until


@pytest.fixture
def program(tmp_path, database_url):
    one = Program(tmp_path, DATABASE_URL=database_url, UPSERT_DETAIL="none")
    yield one
    one.kill()


@pytest.mark.parametrize("name", ["psql", "pg-dump", "pg-restore"])
@pytest.mark.parametrize("mode", ["require", "verify-full"])
def test_a_server_that_wants_tls_gets_a_program_that_speaks_it_or_one_sentence(program, name, mode, tmp_path):
    machine = tmp_path / "bin"
    machine.mkdir()
    url = f"postgresql://u@127.0.0.1:1/x?sslmode={mode}"
    told = program.command(name, "--list", DATABASE_URL=url, PATH=str(machine))
    if not list(Path("/usr/lib/postgresql").glob("*/bin/psql")):
        assert told.returncode == EXIT_CONFIG
        assert f"sslmode={mode}" in told.stderr
        assert "postgresql-client" in told.stderr
        assert len(told.stderr.splitlines()) == 1
    fake = machine / name.replace("-", "_")
    fake.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "fake (PostgreSQL) 99.1" && exit\necho "machine: $@"\n')
    fake.chmod(0o755)
    told = program.command(name, "--list", DATABASE_URL=url, PATH=f"{machine}:/usr/bin:/bin")
    assert told.stdout.startswith("machine: --dbname ")


def test_a_program_asked_about_itself_needs_no_database(tmp_path):
    one = Program(tmp_path)
    told = one.command("pg-dump", "--help")
    assert told.returncode == 0
    assert "pg_dump" in told.stdout
    assert not one.state.exists()


def test_a_restore_under_a_running_supervisor_is_refused_unless_forced(program, tmp_path):
    file = tmp_path / "backup"
    program.start("--synthetic-into-database")
    wait_until(lambda: (program.report() or {}).get("supervisor", {}).get("state") == "running", "running")
    assert program.command("pg-dump", "--format=custom", f"--file={file}").returncode == 0
    refused = program.command("pg-restore", "--clean", "--if-exists", str(file))
    assert refused.returncode == EXIT_ALREADY_RUNNING
    assert f"pid {program.process.pid}" in refused.stderr
    elsewhere = Program(tmp_path / "other", DATABASE_URL=program.settings["DATABASE_URL"])
    elsewhere.folder.mkdir()
    refused = elsewhere.command("pg-restore", "--clean", "--if-exists", str(file))
    assert refused.returncode == EXIT_ALREADY_RUNNING
    assert "`sluicegate " in refused.stderr
    assert elsewhere.command("pg-restore", "--list", str(file)).returncode == 0
    forced = elsewhere.command("pg-restore", "--force", "--schema-only", "--table=nothing", str(file))
    assert forced.returncode == 0, forced.stderr


def test_a_stop_is_heard_while_a_database_that_says_nothing_is_connected_to(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(1) as beside:
        given = {"STATE_DIR": str(tmp_path), "DATABASE_URL": f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/x"}
        one = backend.backend_of(run_plan.make_run_plan(settings.load_settings(given), synthetic_into_database=True))
        start = beside.submit(one.start)
        with silent.accept()[0]:  # it is connected to, and will never answer
            one.cancel()
            with pytest.raises(DatabaseTransient, match="asked to stop"):
                start.result()


def test_a_run_that_waits_for_a_database_that_says_nothing_ends_when_it_is_told_to(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/x"
        program = Program(tmp_path, DATABASE_URL=url).start("--synthetic-into-database")
        try:
            with silent.accept()[0]:
                assert program.stop() == 0
        finally:
            program.kill()

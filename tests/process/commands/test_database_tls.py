"""What a user sees whose database lets nobody in without TLS: the three programs of PostgreSQL, and our commands."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tasks.errors import EXIT_CONFIG, EXIT_OK
from tests.fakes.program.cli_program import Program
from tests.fixtures_tls import certify

ONE = "select 1"


@pytest.fixture
def program(tmp_path):
    one = Program(tmp_path, UPSERT_DETAIL="none")
    yield one
    one.kill()


def sentence(told):
    """The one line of an answer that is a refusal of the settings."""
    assert told.returncode == EXIT_CONFIG, told
    assert told.stdout == ""
    (line,) = told.stderr.splitlines()
    return line


@pytest.mark.parametrize("mode", ["require", "verify-full", None])
@pytest.mark.parametrize("name", ["psql", "pg-dump", "pg-restore"])
def test_without_a_program_that_speaks_tls_one_sentence_says_what_to_install(
    program, encrypted, encrypted_url, name, mode, tmp_path
):
    asked = {} if mode is None else {"sslmode": mode, "sslrootcert": encrypted.certificate}
    given = {"DATABASE_URL": encrypted_url(**asked), "PATH": str(tmp_path)}
    if name == "psql" and list(Path("/usr/lib/postgresql").glob("*/bin/psql")):
        told = program.command(name, "-Atc", ONE, **given)
        assert (told.returncode, told.stdout) == (EXIT_OK, "1\n"), "an older one will do"
        return
    told = sentence(program.command(name, "--schema-only", **given))
    assert (f"sslmode={mode}" if mode else "the server lets nobody in without TLS") in told
    assert "install PostgreSQL's client programs" in told


@pytest.mark.kill
def test_a_backup_over_tls_comes_back_over_tls(program, debian_server, tmp_path):
    url = debian_server.url("postgres", sslmode="verify-full", sslrootcert=debian_server.certificate)
    for name in ("first", "second"):
        made = program.command("psql", "-qc", f"create database {name}", DATABASE_URL=url)
        assert made.returncode == EXIT_OK, made.stderr
    first, second = [url.replace("/postgres?", f"/{name}?") for name in ("first", "second")]
    file = tmp_path / "backup"
    program.start("--synthetic-into-database", DATABASE_URL=first).until_working()
    program.until(lambda report: report["workers"][0]["rows"]["deals"] > 0, "deals are written")
    assert program.status(DATABASE_URL=first)[1] == EXIT_OK
    assert program.stop() == EXIT_OK
    for command in (("pg-dump", "--format=custom", f"--file={file}"), ("pg-restore", "--no-owner", str(file))):
        done = program.command(*command, DATABASE_URL=first if command[0] == "pg-dump" else second)
        assert (done.returncode, done.stderr) == (EXIT_OK, "")
    count = ("psql", "-Atc", "select count(*) from deals")
    counts = [program.command(*count, DATABASE_URL=one).stdout for one in (first, second)]
    assert counts[0] == counts[1] != "0\n"


@pytest.mark.kill
def test_run_status_and_doctor_work_with_tls(program, encrypted, encrypted_url):
    url = encrypted_url(sslmode="verify-full", sslrootcert=encrypted.certificate)
    program.settings["DATABASE_URL"] = url
    program.start("--synthetic-into-database").until_working()
    program.until(lambda report: report["workers"][0]["rows"]["deals"] > 0, "deals are written")
    assert program.status()[1] == EXIT_OK
    doctor = program.command("doctor")
    assert f"ok    database        {url}: PostgreSQL " in doctor.stdout
    assert program.stop() == EXIT_OK


@pytest.mark.parametrize("fault", ["no TLS", "another certificate", "no file"])
def test_what_keeps_tls_from_working_ends_a_run_and_is_bad_for_doctor(program, encrypted_url, fault, tmp_path):
    asked, told = {
        "no TLS": ({"sslmode": "disable"}, "SSL required (127.0.0.1, port"),
        "another certificate": (
            {"sslmode": "verify-full", "sslrootcert": certify(tmp_path, "other")[1]},
            "certificate verify failed",
        ),
        "no file": ({"sslmode": "verify-full", "sslrootcert": tmp_path / "none"}, f"{tmp_path}/none"),
    }[fault]
    program.settings["DATABASE_URL"] = url = encrypted_url(**asked)
    program.start("--synthetic-into-database")
    assert program.ended() == EXIT_CONFIG
    assert told in program.log()
    (line,) = [line for line in program.command("doctor").stdout.splitlines() if "database     " in line]
    assert line.startswith(f"BAD   database        {url}: DATABASE_URL: ")
    assert told in line
    assert ("put `sslmode=require` into DATABASE_URL" in line) == (fault == "no TLS")


def test_the_connection_is_encrypted_only_where_it_must_be(encrypted_url, database_url):
    with psycopg.connect(encrypted_url()) as there, psycopg.connect(database_url) as here:
        assert (there.pgconn.ssl_in_use, here.pgconn.ssl_in_use) == (True, False)

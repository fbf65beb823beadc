"""A database URL, read as libpq reads it: no spelling of a password is shown, whatever else is."""

import json
import os
import subprocess
import sys

import pytest

from supervisor.cli import postgres
from supervisor.cli.run import redactor
from supervisor.config import run_plan
from supervisor.config.settings import load_settings
from supervisor.database import backend, dsn
from tasks.errors import ConfigError
from tasks.secret import Secret
from tests.fakes.program.cli_program import Program

WITH_PASSWORD = {
    "in front of the host": ("postgresql://u:s3cretpw@127.0.0.1:1/db", "s3cretpw"),
    "as a parameter": ("postgresql://u@127.0.0.1:1/db?password=s3cretpw", "s3cretpw"),
    "as a parameter, its name escaped": ("postgresql://u@127.0.0.1:1/db?pass%77ord=s3cretpw", "s3cretpw"),
    "with what ends a URL elsewhere": ("postgresql://u:s3cret#pw?x@127.0.0.1:1/db", "s3cret#pw?x"),
    "escaped": ("postgresql://u:s3cret%2fp%77@127.0.0.1:1/db", "s3cret/pw"),
    "for several hosts": ("postgresql://u:s3cretpw@127.0.0.1:1,127.0.0.1:2/db", "s3cretpw"),
    "of a key": ("postgresql://u@127.0.0.1:1/db?sslpassword=s3cretpw", "s3cretpw"),
}
UNUSABLE = {
    "an escape that is none": "postgresql://u:s3cret%zz@h/db",
    "a slash in the password": "postgresql://u:s3cret/pw@h/db",
    "an at sign in the password": "postgresql://u:pw@s3cret@h/db",
    "a slash in a password that begins with digits": "postgresql://u:12/s3cret@h/db",
    "both": "postgresql://u:12/s3@cret@s3cret/db?host=h",
    "a port that is none": "postgresql://u:s3cretpw@h:70000/db",
    "more ports than hosts": "postgresql://u:s3cretpw@h1:1,h2:2/db?port=1,2,3",
    "a parameter that is none": "postgresql://u:s3cretpw@h/db?nonsense=s3cret",
}


def settings(url):
    return load_settings({"DATABASE_URL": url, "KEEPA_API_KEY": "k" * 64}, dotenv=None)


@pytest.mark.parametrize("spelling", WITH_PASSWORD)
def test_a_url_is_shown_without_its_password(spelling):
    url, _ = WITH_PASSWORD[spelling]
    shown = dsn.shown(Secret(url))
    assert "s3cret" not in shown
    assert "•••" in shown
    assert "127.0.0.1:1" in shown
    assert "db" in shown


def test_a_url_without_a_password_is_shown_as_it_is():
    url = "postgresql://u@h1:1,h2:2/db?sslmode=require"
    assert dsn.shown(Secret(url)) == url
    assert backend.secrets_in(Secret(url)) == []


@pytest.mark.parametrize("spelling", WITH_PASSWORD)
def test_a_log_shows_neither_the_password_nor_the_url_in_any_spelling(spelling):
    url, password = WITH_PASSWORD[spelling]
    clean = redactor(settings(url)).clean
    written = url.partition("://")[2].replace("sslpassword=", "password=")
    raw = written.partition("ord=")[2] or written.partition(":")[2].partition("@")[0]
    for line in (url, password, f"login as u with {raw}", json.dumps({"password": password})):
        assert "s3cret" not in clean(line)


@pytest.mark.parametrize("fault", UNUSABLE)
def test_a_url_that_cannot_be_used_is_a_fault_of_the_configuration_and_is_not_repeated(fault):
    url = UNUSABLE[fault]
    for use in (
        dsn.read,
        backend.secrets_in,
        lambda url: backend.identity_of(run_plan.make_run_plan(settings(url.reveal()))),
    ):
        with pytest.raises(ConfigError) as caught:
            use(Secret(url))
        assert "s3" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert "s3cret" not in dsn.shown(Secret(url))


@pytest.mark.parametrize(
    ("fault", "command"), [("a slash in the password", "run"), ("an escape that is none", "debug")]
)
def test_such_a_url_ends_a_command_with_78(tmp_path, fault, command):
    program = Program(tmp_path, KEEPA_API_KEY="a-key-0123456789", KEEPA_BASE_URL="http://127.0.0.1:9")
    done = program.command(command, DATABASE_URL=UNUSABLE[fault])
    assert done.returncode == 78, done.stderr
    assert "DATABASE_URL" in done.stderr
    assert "s3cret" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_doctor_shows_no_password_however_it_is_spelled(tmp_path):
    program = Program(tmp_path)
    for url, _ in WITH_PASSWORD.values():
        done = program.command("doctor", DATABASE_URL=url)
        assert "127.0.0.1:1" in done.stdout
        assert "s3cret" not in done.stdout + done.stderr
    done = program.command("doctor", DATABASE_URL=UNUSABLE["a slash in the password"])
    assert done.returncode == 1
    assert "s3cret" not in done.stdout + done.stderr


@pytest.mark.parametrize("spelling", WITH_PASSWORD)
def test_psql_gets_the_password_from_the_environment_alone(mocker, spelling):
    url, password = WITH_PASSWORD[spelling]
    mocker.patch.dict(os.environ, {"DATABASE_URL": url, "PATH": os.environ["PATH"]}, clear=True)
    seen = {}

    def run(command, *, env, check):
        seen.update(command=command, env=env)
        return subprocess.CompletedProcess(command, 0 if check is False else 1)

    mocker.patch.object(subprocess, "run", run)
    assert postgres.tool("psql", ["-c", "select 1"]) == 0
    assert "s3cret" not in " ".join(seen["command"])
    assert seen["command"][-2:] == ["-c", "select 1"]
    assert seen["env"].get("PGPASSWORD") == (password if spelling != "of a key" else None)


def test_psql_reaches_the_database_of_a_url(database_url, tmp_path):
    program = Program(tmp_path)
    done = program.command("psql", "-At", "-c", "select current_database()", DATABASE_URL=database_url)
    assert done.stdout.strip() == backend.dsn.read(Secret(database_url)).dbname


def test_the_spool_belongs_to_the_database_whoever_asks_for_it():
    def name(url):
        return backend.identity_of(run_plan.make_run_plan(settings(url))).spool

    first = name("postgresql://u:p%40ss@db.example:5433/deals")
    assert first == name("postgresql://u:other@db.example:5433/deals")
    assert first == name("postgresql://u@db.example:5433/deals?password=other&sslmode=require")
    assert first == name("postgres://u2@/deals?host=db.example&port=5433")
    different = {
        name("postgresql://u@db.example:5433/other"),
        name("postgresql://u@db.example:5434/deals"),
        name("postgresql://u@db.example,db2:5433/deals"),
        name("postgresql://u@db.example:5433/deals?options=-csearch_path%3Dother"),
        name("postgresql://u@db.example:5433"),
        name("postgresql://u2@db.example:5433"),
    }
    assert len(different | {first}) == 7
    assert name("postgresql://u:p@h1:1,h2:2/db").startswith("url-")


def test_status_of_an_own_database_does_not_load_the_client_library(tmp_path):
    code = (
        "import sys; from supervisor.status import status; "
        "from supervisor.config import settings; "
        "status.gather(settings.load_settings({'STATE_DIR': sys.argv[1]}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; print('psycopg' in sys.modules)", str(tmp_path / "state")],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(postgres.__file__).rpartition("/supervisor/")[0]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "False"


def test_a_database_is_backed_up_and_filled_again_with_the_programs_that_came_with_us(database_url, tmp_path):
    program = Program(tmp_path, DATABASE_URL=database_url)

    def ask(command):
        return program.command("psql", "-At", "-c", command).stdout.strip()

    ask("insert into watermarks (selection_key, domain, minute) values ('kept', 1, 5)")
    file = str(tmp_path / "backup")
    done = program.command("pg-dump", "--format=custom", f"--file={file}")
    assert (done.returncode, done.stderr) == (0, "")
    ask("drop schema public cascade; create schema public")
    done = program.command("pg-restore", "--clean", "--if-exists", "--single-transaction", file)
    assert (done.returncode, done.stderr) == (0, "")
    assert ask("select selection_key, minute from watermarks") == "kept|5"

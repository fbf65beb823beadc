"""How a query finds its database: the one named, or the embedded one, started when none runs; and changes nothing."""

import shutil
import subprocess
import sys

import pytest

from supervisor.cli import commands
from supervisor.config import run_plan, settings
from supervisor.database import backend
from supervisor.database.access import query_connection
from tasks.embedded_postgres.server import EmbeddedPostgres
from tasks.errors import EXIT_CONFIG, EXIT_FAILED, DatabaseTransient, NoRows, StoreError
from tasks.store.queue import queue
from tasks.store.queue.counts import queue_counts
from tests.fakes.program.cli_program import ROOT

COMMANDS = [["deals"], ["history", "B000000001"], ["spend"], ["quarantine", "list"], ["quarantine", "retry", "--all"]]


def wanted(state, **environ):
    return run_plan.make_run_plan(
        settings.load_settings({"STATE_DIR": str(state), **environ}, dotenv=None), synthetic_into_database=True
    )


@pytest.mark.parametrize("arguments", COMMANDS)
def test_without_any_database_a_query_says_how_to_make_one_and_makes_nothing(ask, tmp_path, arguments):
    with pytest.raises(NoRows, match=r"no database `simulated` in .*: `sluicegate run` makes and fills it") as caught:
        ask("", *arguments)
    assert caught.value.exit_code == EXIT_FAILED
    assert not (tmp_path / "state").exists()


def test_an_own_server_is_started_for_a_query_and_gone_afterwards(ask, made_cluster, tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    shutil.copytree(made_cluster, state / "postgres", symlinks=True)
    server = EmbeddedPostgres(state / "postgres")
    for _ in range(2):  # the first made nothing either
        with pytest.raises(NoRows, match="no database `simulated`"):
            ask("", "deals")
        assert not server.is_running()
    own = backend.backend_of(wanted(state))
    own.start()
    own.stop()
    assert ask("", "spend") == (0, "no call in the last day; look further back with --since\n")
    assert not server.is_running()


def test_who_only_asks_can_change_nothing(tmp_path, database_url):
    here = wanted(tmp_path, DATABASE_URL=database_url)
    with pytest.raises(StoreError, match="read-only transaction"), query_connection(here) as conn:
        queue.enqueue(conn, 1, ["B000000001"], detail="history")
    with query_connection(here, writes=True) as conn:
        assert queue.enqueue(conn, 1, ["B000000001"], detail="history") == 1
    with query_connection(here) as conn:
        assert queue_counts(conn).pending == 1


@pytest.mark.parametrize("arguments", COMMANDS)
def test_a_database_of_another_build_is_not_asked(ask, empty_database_url, arguments):
    with pytest.raises(StoreError, match="older than this build") as caught:
        ask(empty_database_url, *arguments)
    assert caught.value.exit_code == EXIT_CONFIG


@pytest.mark.parametrize("arguments", COMMANDS)
def test_a_password_shows_in_no_error(ask, arguments):
    with pytest.raises(DatabaseTransient) as caught:
        ask("postgresql://u:s3cret-of-theirs@127.0.0.1:1/x", *arguments)
    assert "s3cret" not in f"{caught.value!r} {caught.value.__cause__!r}"


@pytest.mark.parametrize("arguments", [["deals", "--csv"], ["deals", "--json"], ["deals"]])
def test_titles_of_any_script_reach_a_terminal_of_any_encoding(tmp_path, market_url, market, arguments):
    market.execute("UPDATE deal_rows SET title = '保温ボトル 550ml'")
    env = {"PATH": "/usr/bin:/bin", "STATE_DIR": str(tmp_path), "DATABASE_URL": market_url, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "supervisor", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, check=True)
    assert ("保温ボトル".encode() in done.stdout) is (len(arguments) > 1)
    assert (b"????? 550ml" in done.stdout) is (len(arguments) == 1)


def test_no_library_is_loaded_before_a_command_is_chosen():
    heavy = "{'psycopg', 'plotext', 'rich', 'requests', 'msgspec._core'}"
    program = f"import sys; from supervisor.cli import commands; commands._parser(); print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
    assert commands._parser().parse_args(["quarantine", "show", "7"]).id == 7

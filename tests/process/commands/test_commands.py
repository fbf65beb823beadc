"""Commands as a person types them: what they print and where, a reader that has read enough, and debug's prompt."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ledger import DEFAULT_TIERS, Reading, TokenLedger
from tests.fakes.program.cli_program import ROOT, Program, wait_until

DEADLINE_S = 50


@pytest.fixture
def program(tmp_path):
    one = Program(tmp_path)
    yield one
    one.kill()


def make_ledger(folder, balance):
    folder.mkdir(parents=True)
    ledger = TokenLedger.create(folder / "ledger", DEFAULT_TIERS, account="one")
    ledger.observe(Reading(balance, 5, 60_000, 1_700_000_000_000))
    ledger.close()
    return folder / "ledger"


def run(*command, cwd, stdin=None, **environ):
    kept = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command,
        cwd=cwd,
        env=kept | environ,
        capture_output=True,
        text=True,
        check=False,
        input=stdin,
        timeout=DEADLINE_S,
    )


@pytest.fixture
def two_ledgers(tmp_path):
    """The one of `.env`, and an old one where there is no setting."""
    here = tmp_path / "here"
    old, wanted = make_ledger(here / "var", 11), make_ledger(tmp_path / "state", 222)
    (here / ".env").write_text(f"STATE_DIR={wanted.parent}\n")
    shutil.copy(ROOT / "Makefile", here)
    return here, old, wanted


def test_make_ledger_dump_goes_by_the_configuration(two_ledgers):
    here, _, wanted = two_ledgers
    make = [shutil.which("make"), "-s", "-o", "setup", f"BIN={Path(sys.executable).parent}", "ledger-dump"]
    text = run(*make, cwd=here)
    assert text.stdout.splitlines()[0] == str(wanted), text.stderr
    assert "balance   222 of 300" in text.stdout
    as_json = run(*make, "ARGS=--json", cwd=here)
    assert json.loads(as_json.stdout)["bucket"]["balance"] == 222
    assert as_json.stderr == f"ledger {wanted}\n"


def test_the_module_alone_knows_a_path_and_state_dir_of_the_environment(two_ledgers, tmp_path):
    here, old, wanted = two_ledgers
    module = [sys.executable, "-m", "ledger", "dump"]
    elsewhere = make_ledger(tmp_path / "elsewhere", 33)
    found = {
        str(old): run(*module, cwd=here),
        str(wanted): run(*module, cwd=here, STATE_DIR=str(wanted.parent)),
        str(elsewhere): run(*module, "--path", str(elsewhere), cwd=here, STATE_DIR=str(wanted.parent)),
    }
    assert [done.stdout.splitlines()[0] for done in found.values()] == list(found)
    assert run(sys.executable, "-S", "-m", "ledger", "dump", cwd=here).returncode == 0


def test_a_path_that_is_no_file_is_no_ledger(program, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    done = program.command("ledger", "dump", "--path", str(tmp_path / "pipe"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "is not a file: name the ledger with --path" in done.stderr


COMMANDS = ["ledger dump --json", "ledger dump", "status", "status --json", "doctor", "doctor --json", "--help",
            "ledger --help", "simulator --help", "status --help", "db-url"]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_a_reader_that_has_read_enough_is_no_error(program, command):
    make_ledger(program.state, 5)
    reader, writer = os.pipe()
    os.close(reader)  # before anything is written
    done = subprocess.run(
        [sys.executable, "-m", "supervisor", *command.split()],
        cwd=ROOT, env=program.environment(), stdout=writer, stderr=subprocess.PIPE, text=True, check=False,
        timeout=DEADLINE_S,
    )  # fmt: skip
    os.close(writer)
    assert done.returncode in {0, 4}, done.stderr
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr
    assert "Broken pipe" not in done.stderr


@pytest.mark.parametrize("command", ["ledger dump", "doctor", "--help", "deals --help"])
def test_a_full_disk_behind_the_output_is_told(program, command):
    make_ledger(program.state, 5)
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "supervisor", *command.split()],
            cwd=ROOT, env=program.environment(), stdout=full, stderr=subprocess.PIPE, text=True, check=False,
            timeout=DEADLINE_S,
        )  # fmt: skip
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_closed_output_is_no_error(program):
    script = f"exec {sys.executable} -m supervisor doctor >&- 2>&-"
    assert run("/bin/sh", "-c", script, cwd=ROOT, STATE_DIR=str(program.state)).returncode == 0


@pytest.mark.parametrize("command", ["psql --help", "pg-dump --help", "pg-restore --version", "pg-dump -V"])
def test_a_program_of_postgresql_shows_its_help_without_a_database(program, command):
    done = program.command(*command.split(), DATABASE_URL="postgresql://u@127.0.0.1:1/x", KEEPA_API_KEY="...")
    assert done.returncode == 0, done.stderr
    assert "PostgreSQL" in done.stdout
    assert not program.state.exists()


@pytest.mark.kill
def test_q_at_the_prompt_of_a_breakpoint_ends_debug_well_and_status_beside_it_says_who_holds_the_state(program):
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.program.breakpoint_program", "--task", "upsert"],
        cwd=ROOT,
        env=program.environment(LOG_FORMAT="console"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_until(lambda: process.stdout.read(1) == "(", "the prompt")  # of (Pdb)
        beside = program.command("status")
        assert f"not running: `sluicegate debug`, pid {process.pid}, holds the state directory" in beside.stdout
        assert beside.returncode == 3
        assert "`sluicegate debug` holds the state directory" in program.command("restart", "upsert-0").stderr
        assert f"pid {process.pid} (`sluicegate debug`)" in program.command("run").stderr
        other = program.command("debug", "--once")
        assert other.returncode == 73
        assert "another `sluicegate debug`" in other.stderr
        said, _ = process.communicate("q\n", DEADLINE_S)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, said
    assert "the debugger was asked to quit" in said
    assert "Traceback" not in said


@pytest.mark.kill
def test_debug_once_says_what_was_done(program):
    done = program.command("debug", "--once", LOG_LEVEL="info", SIMULATOR_START_BALANCE="400")
    assert done.returncode == 0, done.stderr
    said = [json.loads(line) for line in done.stderr.splitlines()][-1]
    assert said["event"] == "done"
    assert "upsert wrote " in said["message"]
    assert "rows of deals" in said["message"]
    assert "backfill wrote " in said["message"]
    assert "tokens were spent" in said["message"]

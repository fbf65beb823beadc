"""What a person may hand a command by mistake: 78 and a sentence, never a hang, a traceback or another exit code."""

from __future__ import annotations

import os
import socket

import pytest

from tests.fakes.program.cli_program import Program

SECRET = "s3cretWord"
KEY = "aB3" * 21 + "x"


@pytest.fixture
def program(tmp_path):
    one = Program(tmp_path)
    one.cwd = tmp_path / "here"
    one.cwd.mkdir()
    return one


def odd(kind, path):
    """Something at `path` that is no file of a few lines."""
    match kind:
        case "a pipe":
            os.mkfifo(path)
        case "a device without end":
            path.symlink_to("/dev/zero")
        case "a folder":
            path.mkdir()
        case "a link to itself":
            path.symlink_to(path)
        case "a socket":
            with socket.socket(socket.AF_UNIX) as one:
                one.bind(str(path))
        case "a huge file":
            with path.open("wb") as file:
                file.truncate(20_000_000_000)
        case "no text":
            path.write_bytes(bytes(range(256)) * 10)
    return path


def refuses(program, *arguments, said, **environ):
    done = program.command(*arguments, **environ)
    told = done.stdout + done.stderr
    assert done.returncode == (1 if "doctor" in arguments else 78), told
    assert said in told
    assert "Traceback" not in told
    assert SECRET not in told
    return told


def test_what_stands_in_the_place_of_the_folder_of_replies_is_told_at_the_start(program, tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    (state / "spool").write_text("mine")
    refuses(program, "run", STATE_DIR=str(state), said="spool is not a folder, so replies cannot be kept there")
    refuses(program, "doctor", STATE_DIR=str(state), said="spool is not a folder: remove what is there")


def test_a_damaged_name_of_the_state_directory_is_told_at_the_start(program, tmp_path):
    state = tmp_path / "state"
    (state / "host").mkdir(parents=True)
    for command in ("run", "doctor"):
        refuses(program, command, STATE_DIR=str(state), said="host cannot be read: it is a folder")


KINDS = ["a pipe", "a device without end", "a link to itself", "a socket", "a huge file", "no text"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_selection_that_is_no_file_of_a_few_lines(program, tmp_path, kind):
    path = odd(kind, tmp_path / "odd.json")
    refuses(program, "run", SELECTIONS=str(path), said="odd.json")
    refuses(program, "doctor", SELECTIONS=str(tmp_path), said="odd.json")


@pytest.mark.parametrize("kind", [*KINDS, "a folder"])
def test_a_file_of_settings_that_is_none(program, kind):
    odd(kind, program.cwd / ".env")
    refuses(program, "run", said=".env")
    refuses(program, "pg-dump", said=".env")


@pytest.mark.parametrize("command", ["run", "debug", "doctor", "db-url"])
def test_a_slip_in_the_line_of_the_key_does_not_start_the_simulator(program, command):
    (program.cwd / ".env").write_text(f"LOG_LEVEL=info\n\nKEEPA_API_KEY: {SECRET}\n")
    told = refuses(program, command, said=".env, line 3 is not understood")
    assert "is KEEPA_API_KEY meant?" in told


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("KEEPA_API_KEY", f'"{KEY}"', "quotes around it"),
        ("KEEPA_API_KEY", SECRET + "\udcff", "not UTF-8"),
        ("KEEPA_BASE_URL", f"http://u:{SECRET}@h", "remove everything up to the @"),
        ("KEEPA_BASE_URL", "http://[::1", "not the URL of a server"),
        ("DATABASE_URL", f"postgresql://u:{SECRET}\udcff@h/d", "not UTF-8"),
        ("STATE_DIR", "~nobody-of-that-name/x", "no user has"),
    ],
)
def test_a_setting_that_cannot_be_used(program, name, text, said):
    refuses(program, "run", said=said, **{name: text})
    refuses(program, "doctor", said=said, **{name: text})


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://u:{SECRET}@[::1/d",
        f"postgresql://u:{SECRET}@127.0.0.1:1/d?sslmode=maybe",
        f"postgresql://u:{SECRET}@127.0.0.1:1/d?connect_timeout=soon",
        f"postgresql://u:{SECRET}@127.0.0.1:port/d",
        f"postgresql://u:{SECRET}@127.0.0.1:1/d?target_session_attrs=any,{SECRET}",
    ],
)
def test_a_database_url_that_cannot_be_used(program, url):
    refuses(program, "run", said="DATABASE_URL", DATABASE_URL=url, KEEPA_API_KEY=KEY)


@pytest.mark.parametrize("kind", ["a pipe", "a device without end", "a link to itself", "a huge file"])
def test_a_state_directory_that_is_no_folder(program, tmp_path, kind):
    where = odd(kind, tmp_path / "odd")
    refuses(program, "run", said="odd", STATE_DIR=str(where))
    refuses(program, "doctor", said="odd", STATE_DIR=str(where / "deeper"))


@pytest.mark.parametrize("command", ["debug", "status", "restart upsert-0", "ledger dump", "deals"])
def test_every_command_says_that_a_state_directory_is_no_folder(program, tmp_path, command):
    where = odd("a pipe", tmp_path / "odd")
    done = program.command(*command.split(), STATE_DIR=str(where))
    assert done.returncode in {1, 4, 78}, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.kill
def test_a_run_tells_of_names_that_are_no_settings_and_of_lines_that_do_not_count(program):
    (program.cwd / ".env").write_text("BACKFIL_WORKER=2\nUPSERT_WORKERS=1\nUPSERT_WORKERS=2\n")
    program.start(KEEPA_APIKEY=SECRET)
    try:
        program.until_working()
        told = [record["message"] for record in program.records("setting")]
    finally:
        program.stop()
    assert told == [
        ".env sets BACKFIL_WORKER, which is not a setting; is BACKFILL_WORKERS meant?",
        "the environment sets KEEPA_APIKEY, which is not a setting; is KEEPA_API_KEY meant?",
        ".env sets UPSERT_WORKERS in lines 2, 3: the last one is used; delete the others",
    ]
    assert SECRET not in program.log()


@pytest.mark.kill
def test_a_run_and_doctor_name_what_is_not_read_of_a_folder_of_selections(program):
    folder = program.cwd / "selections"
    folder.mkdir()
    (folder / "all.json").write_text('{"priceTypes": [1], "dateRange": 0, "domainId": 1}')
    (folder / "de.txt").write_text("{}")
    said = "'de.txt' in the folder selections is not read"
    doctor = program.command("doctor", SELECTIONS="selections")
    assert doctor.stdout.count(said) == 1, doctor.stdout
    program.start(SELECTIONS="selections")
    try:
        program.until_working()
        told = [record["message"] for record in program.records("setting")]
    finally:
        program.stop()
    assert len(told) == 1
    assert said in told[0]

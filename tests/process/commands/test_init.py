"""`init` as a new user types it: the key is not shown, is checked, and is written where only its owner reads."""

from __future__ import annotations

import os
import pty
import stat
import subprocess
import sys

import pytest

from tests.fakes.program.cli_program import Program
from tests.fakes.waiting import wait_until

KEY = "Z" * 40


@pytest.fixture
def program(tmp_path, make_spoiled):
    found = Program(tmp_path, KEEPA_BASE_URL=make_spoiled(keys=frozenset({KEY}), rate=20).url)
    found.cwd = tmp_path
    return found


def init(program, typed, *arguments, **more):
    return subprocess.run(
        [sys.executable, "-m", "supervisor", "init", *arguments], cwd=program.cwd, env=program.environment(**more),
        input=typed, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_key_is_checked_and_written_beside_what_was_there(program, tmp_path):
    env = tmp_path / ".env"
    env.write_text("LOG_LEVEL=info\nKEEPA_API_KEY=\n# mine\n")
    done = init(program, f"{KEY}\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert "the key is good: 20 tokens a minute" in done.stdout
    assert env.read_text() == f"LOG_LEVEL=info\nKEEPA_API_KEY={KEY}\n# mine\n"
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    assert KEY not in done.stdout
    assert program.command("doctor").stdout.count("plan of 20 a minute") == 1


def test_a_key_that_the_server_refuses_is_not_written(program, tmp_path):
    done = init(program, "Y" * 40 + "\n")
    assert done.returncode == 77
    assert "Y" * 40 not in done.stdout + done.stderr
    assert not (tmp_path / ".env").exists()


def test_a_key_that_was_mistyped_is_called_so(program, tmp_path):
    done = init(program, "too short\n", KEEPA_API_KEY=KEY)
    assert done.returncode == 78
    assert "KEEPA_API_KEY (from what was typed) cannot be used: it contains a blank" in done.stderr
    assert "environment" not in done.stderr
    assert not (tmp_path / ".env").exists()


def test_without_a_key_nothing_is_written(program, tmp_path):
    done = init(program, "\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert "works on made-up data" in done.stdout
    assert not (tmp_path / ".env").exists()


def test_a_folder_of_keys_is_named_and_no_run_on_made_up_data_is_promised(program, tmp_path):
    (tmp_path / ".env").write_text("KEYS=keys\n")
    done = init(program, "\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert "the keys in the folder KEYS (keys) stay" in done.stdout
    assert "made-up" not in done.stdout


def test_a_key_that_is_there_stays_when_none_is_typed(program, tmp_path):
    (tmp_path / ".env").write_text(f"KEEPA_API_KEY={KEY}\n")
    done = init(program, "\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("the key that is set stays\n")
    assert (tmp_path / ".env").read_text() == f"KEEPA_API_KEY={KEY}\n"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("your-api-key", "it is a placeholder"),
        ('"' + KEY + '"', "there are quotes around it"),
        ("a b", "contains a blank"),
    ],
)
def test_what_is_no_key_is_said_and_not_shown(program, tmp_path, typed, told):
    done = init(program, typed + "\n")
    assert done.returncode == 78
    assert told in done.stderr
    assert KEY not in done.stdout + done.stderr
    assert not (tmp_path / ".env").exists()


def test_a_file_that_cannot_be_understood_stays_as_it_is(program, tmp_path):
    env = tmp_path / ".env"
    env.write_text("KEEPA_API_KEY\n")
    done = init(program, f"{KEY}\n")
    assert done.returncode == 78
    assert "line 1 is not understood" in done.stderr
    assert env.read_text() == "KEEPA_API_KEY\n"


def test_in_a_terminal_the_key_is_not_echoed(program, tmp_path):
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "supervisor", "init"], cwd=program.cwd, env=program.environment(PATH=str(tmp_path)),
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, preexec_fn=_own_terminal,  # noqa: PLW1509
    ) as process:  # fmt: skip
        os.close(theirs)
        shown = b""

        def has_asked():
            nonlocal shown
            shown += os.read(ours, 4096)
            return b"Keepa API key" in shown

        wait_until(has_asked, "the question", explain=lambda: f"{shown!r}")
        os.write(ours, f"{KEY}\n".encode())
        while part := _rest(ours):
            shown += part
        assert process.wait() == 0, shown
    assert KEY.encode() not in shown
    assert KEY in (tmp_path / ".env").read_text()


def _own_terminal():
    """Make the terminal on its standard input the one that getpass opens."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _rest(fd):
    try:
        return os.read(fd, 4096)
    except OSError:  # nobody has the other end any more
        return b""


def test_a_unit_of_the_user_is_installed(program, tmp_path):
    done = init(program, "\n", "--unit", XDG_CONFIG_HOME=str(tmp_path / "config"))
    assert done.returncode == 0
    unit = (tmp_path / "config" / "systemd" / "user" / "sluicegate.service").read_text()
    assert f"WorkingDirectory={tmp_path}\n" in unit
    assert "systemctl --user enable --now sluicegate.service" in done.stdout
    assert 'sluicegate" run\n' in unit

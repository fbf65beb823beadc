"""Ctrl-C from the first moment on: `make run` and the making of `.venv` end silently (checklist, lines 24 and 60)."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import venv

import pytest

from tests.fakes.program.cli_program import ROOT, STRESS
from tests.fakes.waiting import LIMIT_S

COMPLAINTS = ("Traceback", "KeyboardInterrupt", "Exception ignored")

# A project with nothing in it, and all that pip asks of a builder: an empty wheel.
PROJECT = """\
[build-system]
requires = []
build-backend = "nothing"
backend-path = ["."]
[project]
name = "nothing"
version = "1"
"""
BACKEND = """\
import zipfile
def build_editable(folder, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(f"{folder}/nothing-1-py3-none-any.whl", "w") as wheel:
        info = "nothing-1.dist-info"
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: nothing\\nVersion: 1\\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{info}/RECORD", "")
    return "nothing-1-py3-none-any.whl"
"""


@pytest.fixture
def folder(tmp_path):
    """A checkout of what `make run` needs before anything is installed, with nothing to install."""
    for name in ("deploy/bootstrap.py", "Makefile"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "requirements.lock").write_text("")
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "nothing.py").write_text(BACKEND)
    return tmp_path


def interrupted(folder, command, delay_s, **environ):
    """Exit code and output of a command whose process group gets SIGINT after `delay_s`, as by a terminal."""
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), **environ},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    threading.Event().wait(delay_s)
    os.killpg(process.pid, signal.SIGINT)
    code = process.wait(LIMIT_S)
    said = log.read_text(errors="replace")
    assert not any(complaint in said for complaint in COMPLAINTS), f"after {delay_s} s, exit {code}:\n{said}"
    return code, said


def bootstrap(folder):
    """The command, with Ctrl-C held back until its first line, as `make` does it."""
    return ["env", "--block-signal=INT", sys.executable, str(folder / "deploy" / "bootstrap.py"), "run"]


def test_make_holds_ctrl_c_back_until_the_first_line_of_a_program(folder):
    shown = subprocess.run(
        ["make", "-n", "run", "status"],  # noqa: S607 - as a person types it
        cwd=folder,
        env={"PATH": os.environ["PATH"]},  # without what a make around this test tells one beneath it
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert len(shown) == 3
    assert all("env --block-signal=INT" in line for line in shown)


@pytest.mark.parametrize("delay_s", [0.004, 0.02, 0.06, 0.3, 1.0])
def test_ctrl_c_while_the_environment_is_made_is_silent_and_the_next_run_goes_on(folder, delay_s):
    code, _ = interrupted(folder, bootstrap(folder), delay_s)
    assert code == -signal.SIGINT


@pytest.mark.kill
def test_an_environment_that_was_made_in_part_is_made_again(folder):
    venv.create(folder / ".venv", with_pip=False)
    done = subprocess.run(
        [sys.executable, "deploy/bootstrap.py", "run"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert "No module named pip" not in done.stderr
    assert done.returncode == 0, done.stderr


@pytest.mark.kill
def test_fifty_times_ctrl_c_while_the_environment_is_made(folder):
    dice, codes = random.Random(5), set()
    for _ in range(50):
        code, said = interrupted(folder, bootstrap(folder), dice.uniform(0, 7) * dice.random())
        codes.add(code)
        if code == 0:  # made to the end: begin again
            assert not (folder / ".venv" / "scratch").exists()
            shutil.rmtree(folder / ".venv")
        assert "failed" not in said, said
    assert codes <= {0, -signal.SIGINT}
    assert -signal.SIGINT in codes


@pytest.mark.kill
def test_fifty_times_ctrl_c_at_make_run(folder):
    """From the shell's first moment to a run in full service; `make` waits for the program, so nothing is left."""
    program = folder / "bin" / "sluicegate"
    program.parent.mkdir()
    start = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from supervisor.cli.main import main; sys.exit(main())"
    program.write_text(f"#!{sys.executable}\n{start}\n")
    program.chmod(0o755)
    make = ["make", "-o", "setup", "run", f"BIN={program.parent}"]
    dice, codes = random.Random(6), set()
    for _ in range(50):
        delay_s = dice.uniform(0, 3) * dice.random()
        code, _said = interrupted(folder, make, delay_s, STATE_DIR=str(folder / "state"), **STRESS)
        codes.add(code)
    assert codes <= {-signal.SIGINT, 2}, "2: make lost its child, a race of its own"

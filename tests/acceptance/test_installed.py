"""Installed like anything else: the wheel in a fresh environment and an empty folder, with nothing of the checkout."""

import json
import os
import subprocess
import sys
import textwrap
import time
import zipfile
from pathlib import Path

import pytest

import sluicegate
from tests.fakes.program.cli_program import ROOT, Program, pids

SYSTEM = {"PATH": "/usr/bin:/bin", "HOME": os.environ.get("HOME", "/")}
NO_PORTS = {"METRICS_PORT": "", "WEB_PORT": ""}  # another run on this machine may have them
# Run by each Python of the environment: it writes down that it was here, and what it opened of the checkout.
WATCH = """
import os
import sys

def note(line):
    file = os.open({log!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(file, f"{{line}}\\n".encode())
    os.close(file)

def look(event, arguments):
    if event == "open" and str(arguments[0]).startswith({root!r}):
        note(f"opened {{arguments[0]}}")

sys.addaudithook(look)
note(f"process {{os.getpid()}}")
"""


class Installed(Program):
    """The program of an environment, as somebody runs it who has no checkout."""

    def __init__(self, environment, folder):
        super().__init__(folder, **NO_PORTS)
        folder.mkdir()
        self.state = folder / "var"
        self.cwd = folder
        self.starter = (str(environment / "bin" / "sluicegate"),)

    def environment(self, **more):
        return {**SYSTEM, **self.settings, **more}


def make_environment(folder):
    """A virtual environment without pip, which takes a second less."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    return folder


def install(environment, *what):
    command = [sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python"), "install", "-q", *what]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def locked(folder):
    """The versions of the lock as constraints, so that what was fetched once is not looked for again."""
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    path = folder / "constraints.txt"
    path.write_text("".join(f"{line.removesuffix(' ' + chr(92))}\n" for line in lines if "--hash" not in line))
    return path


def site_packages(environment):
    return next(environment.glob("lib/python*/site-packages"))


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """A virtual environment with the wheel and what it needs; skips where no packages can be had."""
    folder = tmp_path_factory.mktemp("installed")
    made = make_environment(folder / "environment")
    done = install(made, "-c", str(locked(folder)), str(wheel))
    if done.returncode != 0:
        pytest.skip(f"the packages that sluicegate needs cannot be had here: {done.stderr.strip().splitlines()[-1]}")
    return made


@pytest.mark.kill
def test_an_empty_folder_and_one_command_are_enough_for_the_first_deal(environment, tmp_path):
    seen = tmp_path / "seen"
    packages = site_packages(environment)
    (packages / "watch_imports.py").write_text(WATCH.format(log=str(seen), root=str(ROOT)))
    (packages / "watch_imports.pth").write_text("import watch_imports\n")
    program = Installed(environment, tmp_path / "empty")
    try:
        began = time.monotonic()
        program.start()
        program.until(lambda r: r["rows_written"].get("deals", 0) > 0, "the first deals")
        shown = program.command("deals", "--json")
        print(f"the first deal was shown {time.monotonic() - began:.1f} s after the start")  # noqa: T201 - measured
        assert (shown.returncode, shown.stderr) == (0, "")
        assert json.loads(shown.stdout)["deals"][0]["asin"]
        checked = program.command("doctor")
        assert checked.returncode == 0, checked.stdout
        count = len(pids(program.until_working()))
        assert program.stop() == 0, program.tail()
    finally:
        program.kill()
    lines = seen.read_text().splitlines()
    assert [line for line in lines if line.startswith("opened ")] == []
    assert len(set(lines)) > count, "each process of the run and each command was watched"
    assert [path.name for path in program.cwd.iterdir() if path.name != "log"] == ["var"]


@pytest.mark.kill
@pytest.mark.parametrize(
    ("arguments", "begins"),
    [
        (("--version",), "sluicegate "),
        (("completion", "bash"), "# AUTOMATICALLY GENERATED"),
        (("man",), ".TH SLUICEGATE"),
    ],
)
def test_what_needs_no_run_works_in_an_empty_folder(environment, tmp_path, arguments, begins):
    done = Installed(environment, tmp_path / "empty").command(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(begins)


@pytest.mark.kill
def test_the_wheel_has_every_file_of_the_packages(wheel):
    with zipfile.ZipFile(wheel) as archive:
        packed = {
            name for name in archive.namelist() if name.startswith(tuple(f"{one}/" for one in sluicegate.PACKAGES))
        }
    command = ["git", "ls-files", *sluicegate.PACKAGES]
    kept = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if kept.returncode != 0:
        pytest.skip("this is no checkout of git, so that nothing says which files belong to it")
    assert packed == set(kept.stdout.splitlines())


def wheel_of_theirs(folder, name):
    """The wheel of another distribution, which has a package of that name."""
    path = folder / f"their_{name}-1.0-py3-none-any.whl"
    info = f"their_{name}-1.0.dist-info"
    files = {
        f"{name}/__init__.py": "",
        f"{name}/theirs.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: their-{name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{one},,\n" for one in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for one, content in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(one, textwrap.dedent(content))
    return path


@pytest.mark.kill
@pytest.mark.parametrize("name", sluicegate.PACKAGES)
@pytest.mark.parametrize("order", ["theirs first", "ours first"])
def test_pip_puts_another_program_into_our_package_and_that_is_said(wheel, tmp_path, name, order):
    environment = make_environment(tmp_path / "environment")
    theirs = wheel_of_theirs(tmp_path, name)
    for one in (theirs, wheel) if order == "theirs first" else (wheel, theirs):
        done = install(environment, "--no-deps", str(one))
        assert done.returncode == 0, done.stderr
    said = Installed(environment, tmp_path / "empty").command("--version")
    assert (said.returncode, said.stdout) == (78, "")
    found = site_packages(environment) / name
    assert said.stderr.startswith(f"sluicegate: {found}/")
    assert "is of another program, which has packages of the same names as this one" in said.stderr
    assert "`uv tool install sluicegate` or `pipx install sluicegate`" in said.stderr
    assert Path(found, "theirs.py").is_file()

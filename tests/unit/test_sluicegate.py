"""The entry point: nothing of `supervisor`, `tasks` and `ledger` is imported that is not ours."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import sluicegate

ROOT = Path(__file__).parents[2]
THEIRS = {"supervisor": "# of a process manager\n", "tasks": "", "ledger": "class Ledger: pass\n"}


def install(wheel, home):
    """Put its files into `home` as an installer does."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(home)


def install_theirs(home, name):
    """Another distribution with a package of that name, which overwrites what is there."""
    (home / name).mkdir(parents=True, exist_ok=True)
    (home / name / "__init__.py").write_text(THEIRS[name])
    (home / name / "theirs.py").write_text("")


def run(home, *arguments, before=()):
    """The entry point of `home`, with the libraries of this environment behind it."""
    libraries = next(path for path in sys.path if path.endswith("site-packages"))
    program = (
        f"import sys; sys.path[:0] = {[*map(str, before), str(home)]!r}; import sluicegate; sys.exit(sluicegate.main())"
    )
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": libraries}
    return subprocess.run(
        [sys.executable, "-S", "-c", program, *arguments],
        cwd=home,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_wheel_runs_from_an_empty_folder(wheel, tmp_path):
    install(wheel, tmp_path)
    done = run(tmp_path, "--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("sluicegate ")


@pytest.mark.parametrize("name", sluicegate.PACKAGES)
@pytest.mark.parametrize("order", ["theirs first", "ours first"])
def test_another_program_with_such_a_package_is_told_in_both_orders(wheel, tmp_path, name, order):
    if order == "theirs first":
        install_theirs(tmp_path, name)
        install(wheel, tmp_path)
    else:
        install(wheel, tmp_path)
        install_theirs(tmp_path, name)
    done = run(tmp_path, "--version")
    assert (done.returncode, done.stdout) == (78, "")
    assert "is of another program, which has packages of the same names as this one" in done.stderr
    assert "uv tool install sluicegate" in done.stderr


@pytest.mark.parametrize("name", sluicegate.PACKAGES)
def test_a_folder_that_hides_ours_is_told(wheel, tmp_path, name):
    home, other = tmp_path / "home", tmp_path / "other"
    install(wheel, home)
    install_theirs(other, name)
    done = run(home, "--version", before=[other])
    assert (done.returncode, done.stdout) == (78, "")
    assert f"the package `{name}` is that of {other / name}" in done.stderr


def test_a_package_that_is_gone_is_told(wheel, tmp_path):
    install(wheel, tmp_path)
    (tmp_path / "ledger" / "__init__.py").unlink()
    done = run(tmp_path, "status")
    assert done.returncode == 78
    assert "the package `ledger`" in done.stderr


def test_a_checkout_is_ours():
    assert sluicegate.wrong_packages(ROOT) is None


@pytest.mark.parametrize("platform", ["darwin", "win32", "freebsd14"])
def test_another_system_is_shown_the_way_by_a_container(platform):
    told = sluicegate.wrong_system(platform)
    assert told is not None
    assert told.startswith(f"this runs on Linux only, and this is {platform}: use a container")
    assert sluicegate.wrong_system("linux") is None

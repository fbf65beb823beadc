"""Which command a message names: what is typed in a checkout, and what is typed elsewhere."""

import os

import pytest

from ledger import installation


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout whose root is the working directory."""
    home = tmp_path / "checkout"
    home.mkdir()
    for name in ("Makefile", "pyproject.toml"):
        (home / name).touch()
    monkeypatch.setattr(installation, "HOME", home)
    monkeypatch.chdir(home)
    return home


@pytest.mark.usefixtures("checkout")
def test_a_checkout_has_make():
    assert installation.command("run") == "`make run`"
    assert installation.set_up() == "run `make setup`"


def test_another_folder_has_no_make_not_even_one_below(checkout):
    (checkout / "var").mkdir()
    os.chdir(checkout / "var")
    assert installation.command("run") == "`sluicegate run`"


def test_what_was_installed_has_the_command_alone(checkout):
    (checkout / "Makefile").unlink()
    assert installation.command("run") == "`sluicegate run`"
    assert "make" not in installation.set_up()


@pytest.mark.usefixtures("checkout")
def test_a_working_directory_that_is_gone_is_no_checkout(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    assert installation.command("run") == "`sluicegate run`"


def test_a_package_is_put_where_this_program_looks_for_packages(checkout, tmp_path):
    assert installation.beside("pyarrow") == "run `.venv/bin/pip install pyarrow`"
    os.chdir(tmp_path)
    assert installation.beside("pyarrow") == f"run `{checkout}/.venv/bin/pip install pyarrow`"
    (checkout / "Makefile").unlink()
    assert "pipx inject sluicegate pyarrow" in installation.beside("pyarrow")

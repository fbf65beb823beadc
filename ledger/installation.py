"""What people type here: a checkout has `make`, an installed program has its own command alone."""

from __future__ import annotations

from pathlib import Path

HOME = Path(__file__).resolve().parents[1]


def command(name: str) -> str:
    """How the command of that name is typed, in backquotes; for messages."""
    return f"`make {name}`" if _is_checkout() else f"`sluicegate {name}`"


def set_up() -> str:
    """What to do so that everything is there which the program needs; for messages, as the end of a sentence."""
    if _is_checkout():
        return "run `make setup`"
    return "install it again with `uv tool upgrade --reinstall sluicegate` or `pipx reinstall sluicegate`"


def beside(package: str) -> str:
    """How a package is put beside the program; for messages, as the end of a sentence.

    The program of a checkout has the packages of its .venv, wherever it is started.
    """
    if _has_sources():
        pip = Path(".venv/bin/pip") if _is_checkout() else HOME / ".venv/bin/pip"
        return f"run `{pip} install {package}`"
    return f"run `pipx inject sluicegate {package}`, or `uv tool install --with {package}` with its wheel"


def _is_checkout() -> bool:
    """Whether this is a checkout and the working directory is its root, as make needs it."""
    try:
        return _has_sources() and Path.cwd() == HOME
    except OSError:  # the working directory is gone
        return False


def _has_sources() -> bool:
    """Whether the program lies in a checkout, and was not installed from a wheel."""
    return (HOME / "Makefile").is_file() and (HOME / "pyproject.toml").is_file()

"""The checks of `doctor` that need nothing but Python: its version, the packages, and that ours are ours."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import ledger
import supervisor
import tasks
from supervisor.doctor import requirements
from supervisor.doctor.findings import bad, good, note

if TYPE_CHECKING:
    from collections.abc import Iterator

    from supervisor.doctor.findings import Finding

OLDEST_PYTHON: Final = (3, 11)
_US: Final = "sluicegate"


def of_the_installation() -> Iterator[Finding]:
    """Python, the packages, and where ours come from."""
    yield _python()
    yield _packages()
    yield _origin()


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    oldest = ".".join(map(str, OLDEST_PYTHON))
    words, data = f"{version} at {sys.executable}", {"version": version, "executable": sys.executable, "oldest": oldest}
    if sys.version_info[:2] < OLDEST_PYTHON:
        return bad("python", f"{words}: {oldest} or newer is needed", **data)
    return good("python", words, **data)


def _packages() -> Finding:
    try:
        wanted = requirements.needs(importlib.metadata.requires(_US) or [])
    except importlib.metadata.PackageNotFoundError:
        return note("packages", f"{_US} is not installed, so that what it needs is not known: run `make setup`")
    data = {need.name: {"installed": _version(need.name), "needed": need.versions} for need in wanted}
    faults = requirements.faults(wanted, _version)
    if faults:
        return bad("packages", "; ".join([*faults, "run `make setup`"]), **data)
    return good(
        "packages", "as needed: " + ", ".join(f"{name} {one['installed']}" for name, one in data.items()), **data
    )


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _origin() -> Finding:
    """Three packages from one place: PyPI has another `supervisor`, and `tasks` is a common name."""
    places = {package.__name__: Path(next(iter(package.__path__))).parent for package in (supervisor, tasks, ledger)}
    data = {name: str(place) for name, place in places.items()}
    if len(set(places.values())) == 1:
        return good("origin", f"supervisor, tasks and ledger all come from {places['supervisor']}", **data)
    version = _version("supervisor")
    stranger = "" if version is None else f" (supervisor {version} of somebody else is installed: uninstall it)"
    told = ", ".join(f"{name} from {place}" for name, place in data.items())
    return bad("origin", f"not all of one program: {told}{stranger}", **data)

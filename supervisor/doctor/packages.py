"""The checks of `doctor` that come first: Python's version, the installed packages, and where our own come from.

They work with no package installed, for then they say so: `packaging` is loaded where it is used.
"""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import ledger
import supervisor
import tasks
from ledger import installation
from supervisor.doctor.findings import bad, good, note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from packaging.requirements import Requirement

    from supervisor.doctor.findings import Finding

OLDEST_PYTHON: Final = (3, 11)
_US: Final = "sluicegate"


def package_checks() -> Iterator[Finding]:
    """Python, the packages, and where ours come from."""
    yield _python()
    yield _packages()
    yield _origin()


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    oldest = ".".join(map(str, OLDEST_PYTHON))
    words, data = f"{version} at {sys.executable}", {"version": version, "executable": sys.executable, "oldest": oldest}
    if sys.version_info[:2] < OLDEST_PYTHON:
        return bad("python", f"{words} is too old: {oldest} or newer is needed", **data)
    return good("python", words, **data)


def _packages() -> Finding:
    try:
        requirements = needed(importlib.metadata.requires(_US) or [])
    except importlib.metadata.PackageNotFoundError:
        return note("packages", f"{_US} is not installed, so what it needs is not known: {installation.set_up()}")
    except ModuleNotFoundError as error:
        return bad("packages", f"{error.name} is missing; {installation.set_up()}")
    data = {one.name: {"installed": _version(one.name), "needed": str(one.specifier)} for one in requirements}
    faults = unmet(requirements, _version)
    if faults:
        return bad("packages", "; ".join([*faults, installation.set_up()]), **data)
    versions = ", ".join(f"{name} {one['installed']}" for name, one in data.items())
    return good("packages", f"all are there: {versions}", **data)


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _origin() -> Finding:
    """Whether our three packages come from one place: PyPI has another `supervisor`, and `tasks` is a common name."""
    places = {package.__name__: Path(next(iter(package.__path__))).parent for package in (supervisor, tasks, ledger)}
    data = {name: str(place) for name, place in places.items()}
    if len(set(places.values())) == 1:
        return good("origin", f"supervisor, tasks and ledger all come from {places['supervisor']}", **data)
    version = _version("supervisor")
    other = "" if version is None else f" (another package named supervisor, {version}, is installed: uninstall it)"
    origins = ", ".join(f"{name} from {place}" for name, place in data.items())
    return bad("origin", f"the packages are not all of one program: {origins}{other}", **data)


def needed(lines: Iterable[str]) -> list[Requirement]:
    """What the lines of a package's metadata ask for on this Python, without extras."""
    from packaging.requirements import Requirement

    found = [Requirement(line) for line in lines]
    return [one for one in found if one.marker is None or one.marker.evaluate({"extra": ""})]


def unmet(requirements: Iterable[Requirement], version_of: Callable[[str], str | None]) -> list[str]:
    """What is missing or of a wrong version, each as a sentence; `version_of` gives None for what is not installed."""
    faults = []
    for one in requirements:
        version = version_of(one.name)
        if version is None:
            faults.append(f"{one.name} is missing")
        elif not one.specifier.contains(version):
            faults.append(f"{one.name} {version} is installed, {one.specifier} is needed")
    return faults

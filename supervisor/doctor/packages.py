"""The checks of `doctor` that need nothing but Python: its version, the packages, and that ours are ours.

What is installed is compared with what the package says it needs. Only as much of the version rules is understood as
our own list uses: numbers, compared part by part.
"""

from __future__ import annotations

import importlib.metadata
import operator
import re
import sys
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Final

import ledger
import supervisor
import tasks
from supervisor.doctor.findings import bad, good, note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from supervisor.doctor.findings import Finding

# PEP 508: name, extras in brackets, versions; a marker after a semicolon.
_NEED: Final = re.compile(r"\s*([A-Za-z0-9._-]+)\s*(?:\[[^\]]*\])?\s*\(?([^;)]*)\)?")
_ONE: Final = re.compile(r"\s*(>=|<=|==|!=|<|>)\s*([0-9.]+)")
_RELEASE: Final = re.compile(r"[0-9]+(?:\.[0-9]+)*")
_COMPARE: Final[dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}


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
        return bad("python", f"{words}: {oldest} or newer is needed", **data)
    return good("python", words, **data)


def _packages() -> Finding:
    try:
        wanted = needs(importlib.metadata.requires(_US) or [])
    except importlib.metadata.PackageNotFoundError:
        return note("packages", f"{_US} is not installed, so that what it needs is not known: run `make setup`")
    data = {need.name: {"installed": _version(need.name), "needed": need.versions} for need in wanted}
    faults = unmet(wanted, _version)
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


@dataclass(frozen=True, slots=True)
class Need:
    """A package and the versions of it that will do: `>=3.3,<4`."""

    name: str
    versions: str

    def is_met_by(self, version: str) -> bool:
        """Whether `version` will do. A rule that is not understood is not held against it."""
        rules = filter(None, (_ONE.match(part) for part in self.versions.split(",")))
        return all(_COMPARE[rule[1]](*_padded(version, rule[2])) for rule in rules)


def needs(lines: Iterable[str]) -> list[Need]:
    """What the lines of a package's metadata need, without extras that were not asked for."""
    found = [_NEED.match(line) for line in lines if "extra ==" not in line]
    return [Need(one[1], one[2].strip()) for one in found if one is not None]


def unmet(wanted: Iterable[Need], version_of: Callable[[str], str | None]) -> list[str]:
    """What is missing or of the wrong version, each in words; `version_of` gives None for what is not installed."""
    told = []
    for need in wanted:
        version = version_of(need.name)
        if version is None:
            told.append(f"{need.name} is missing")
        elif not need.is_met_by(version):
            told.append(f"{need.name} {version} is installed, {need.versions} is needed")
    return told


def _padded(one: str, other: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Both as numbers, of the same length: 3.3 is 3.3.0."""
    pairs = list(zip_longest(_numbers(one), _numbers(other), fillvalue=0))
    return tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs)


def _numbers(version: str) -> list[int]:
    release = _RELEASE.match(version)
    return [] if release is None else [int(part) for part in release[0].split(".")]

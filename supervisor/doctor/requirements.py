"""Whether what is installed is what the package says it needs. Pure.

Only as much of the version rules as our own list uses: numbers, compared part by part.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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


def faults(wanted: Iterable[Need], version_of: Callable[[str], str | None]) -> list[str]:
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

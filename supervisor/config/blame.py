"""Collects faults of settings, each with the settings that cannot be used because of it. Pure."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Faults:
    """Faults, and the fields that cannot be used because of them.

    Attributes:
        unusable: the fields of `Settings` that have no value to rely on.
        partial: those that have one for whoever only reads, though not all that they should.
    """

    def __init__(self) -> None:
        self.unusable: set[str] = set()
        self.partial: set[str] = set()
        self._found: list[tuple[str, tuple[str, ...]]] = []

    @property
    def words(self) -> list[str]:
        """A sentence for each, in the order in which they were found, or that of `sort`."""
        return [words for words, _ in self._found]

    def sort(self, places: Mapping[str, int]) -> None:
        """Put the faults into the order of their fields, by the first of each. What has no field stands first."""
        self._found.sort(key=lambda fault: places[fault[1][0]] if fault[1] else -1)

    def add(self, words: str, *fields: str) -> None:
        """Add a fault because of which these fields cannot be used."""
        self._found.append((words, fields))
        self.unusable.update(fields)

    def bear(self, words: str, *fields: str) -> None:
        """Add a fault of these fields that leaves enough of them for whoever only reads."""
        self._found.append((words, fields))
        self.partial.update(fields)

    @contextmanager
    def of(self, *fields: str) -> Iterator[list[str]]:
        """A list to write faults into because of which these fields cannot be used."""
        found: list[str] = []
        yield found
        for words in found:
            self.add(words, *fields)

    def spread(self, field: str, *causes: str) -> None:
        """Count a field as unusable, or as partial, where one that it is made of is."""
        for found in (self.unusable, self.partial):
            if found.intersection(causes):
                found.add(field)

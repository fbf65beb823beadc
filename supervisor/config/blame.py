"""Collects faults of settings, each with the settings that cannot be used because of it. Pure."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Faults:
    """Faults in the order in which they were found.

    Attributes:
        words: a sentence for each.
        unusable: the fields of `Settings` that have no value to rely on.
    """

    def __init__(self) -> None:
        self.words: list[str] = []
        self.unusable: set[str] = set()

    def add(self, words: str, *fields: str) -> None:
        """Add a fault because of which these fields cannot be used."""
        self.words.append(words)
        self.unusable.update(fields)

    @contextmanager
    def of(self, *fields: str) -> Iterator[list[str]]:
        """A list to write faults into because of which these fields cannot be used."""
        found: list[str] = []
        yield found
        for words in found:
            self.add(words, *fields)

    def spread(self, field: str, *causes: str) -> None:
        """Count a field as unusable where one that it is made of is."""
        if self.unusable.intersection(causes):
            self.unusable.add(field)

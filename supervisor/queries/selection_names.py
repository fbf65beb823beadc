"""What selections are called: those of the settings, and those that were in them once."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from tasks.errors import ConfigError
from tasks.keepa.selection import selection
from tasks.planning import streams
from tasks.store import selections

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from supervisor.config.settings import Settings
    from tasks.keepa.selection.selection import Selection
    from tasks.planning.streams import Stream
    from tasks.store.connection import Connection
    from tasks.store.selections import KnownSelection


class SelectionNames(NamedTuple):
    """The selections that there are, and those that there were, each under the name it had last.

    Attributes:
        in_use: those of the settings.
        known: those that have listed deals.
    """

    in_use: tuple[Stream, ...]
    known: list[KnownSelection]

    def by_key(self) -> dict[str, str]:
        """The name of each by its key; the name of before names were kept is not known."""
        former = {one.key: one.name for one in self.known if one.name is not None}
        return former | {one.key: one.selection.name for one in self.in_use}

    def by_number(self) -> dict[int, str]:
        """The name of each that has listed deals, by the number that stands beside them."""
        names = self.by_key()
        return {one.number: names[one.key] for one in self.known if one.key in names}

    def is_in_use(self, key: str) -> bool:
        """Whether the settings have it."""
        return any(one.key == key for one in self.in_use)

    def called(self, names: Collection[str] | None) -> list[Selection]:
        """The selections of these names, or else those of the settings: as they are, or were last."""
        found = [one.selection for one in self.in_use]
        if names is None:
            return found
        found += _former(self.known, {one.name for one in found})
        return [one for one in found if one.name in names]


def selection_names(conn: Connection, settings: Settings) -> SelectionNames:
    """Those of these settings and this database."""
    found = streams.streams(settings.loaded_selections, settings.keepa_domains)
    return SelectionNames(found, selections.known(conn))


def _former(known: Iterable[KnownSelection], in_use: Collection[str]) -> Iterator[Selection]:
    """The selections whose names the settings do not have any more."""
    for one in known:
        if one.name is not None and one.query is not None and one.name not in in_use:
            with suppress(ConfigError):  # a build with other rules kept it
                yield selection.parse(one.query, name=one.name)

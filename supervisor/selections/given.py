"""Finds the selections that a command is about: those of the settings, a file, standard input, or the text itself.

Sources of products are files beside the selections, and found in the same ways.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from supervisor.config.files import user_file
from tasks.errors import ConfigError, plain
from tasks.keepa.selection import selection
from tasks.keepa.source import source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from supervisor.config.settings import Settings
    from tasks.keepa.selection.selection import Selection
    from tasks.keepa.source.source import Source

STANDARD_INPUT: Final = "-"
PASTED: Final = "pasted"  # the name of a selection that came without a file
_TEXT: Final = re.compile(r"\s*[{\[]|\s*(?:https?://|selection=)", re.IGNORECASE)
_KEY: Final = re.compile(r"[?&]key=", re.IGNORECASE)
_KEY_NOTE: Final = (
    "the address has an API key in it, which other users of this machine may have seen while the command ran: next "
    "time give it on standard input, with - in its place"
)


class Given(NamedTuple):
    """What was found; `faults` has one message for each text that is neither a selection nor a source of products."""

    selections: tuple[Selection, ...]
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()


def find(sources: Sequence[str], settings: Settings) -> Given:
    """What is in `sources`, once for each locale it is meant for; without sources those of the settings."""
    domains = settings.keepa_domains
    if not sources:
        return _named(settings, None)._replace(notes=settings.notes)
    selections: list[Selection] = []
    others: list[Source] = []
    faults: list[str] = []
    for text in sources:
        try:
            found = _named(settings, text)
            if not (found.selections or found.sources):
                found = in_text(*read(text), domains)
        except ConfigError as error:
            faults.append(plain(error))
        else:
            selections += found.selections
            others += found.sources
    is_shown = any(map(names_key, sources))
    return Given(tuple(selections), tuple(faults), (_KEY_NOTE,) if is_shown else (), tuple(others))


def selections_of(found: Given) -> tuple[Selection, ...]:
    """The selections, for a command that takes no source of products.

    Raises:
        ConfigError: something is neither, or a source.
    """
    faults = [
        *found.faults,
        *(
            f"{one.label} is a source of products and no selection: `sluicegate selection explain` says what it asks "
            "for and what that costs"
            for one in found.sources
        ),
    ]
    if faults:
        raise ConfigError("\n".join(faults))
    return found.selections


def names_key(text: str) -> bool:
    """Whether the text, and not a file that it names, is an address with an API key in it."""
    return bool(_TEXT.match(text) and _KEY.search(text))


def _named(settings: Settings, name: str | None) -> Given:
    """The selections and sources of the settings with that name; all of them without one."""
    return Given(
        tuple(
            selection.parse(one.query, name=one.name)
            for one in settings.loaded_selections
            if name is None or one.name == name
        ),
        sources=tuple(
            source.parse(one.query, name=one.name)
            for one in settings.loaded_sources
            if name is None or one.name == name
        ),
    )


def in_text(name: str, text: str | bytes, domains: Sequence[int]) -> Given:
    """The selection, or the source of products, that a text holds, once for each locale it is meant for.

    Raises:
        ConfigError: it is neither. The message names every fault.
    """
    given = source.in_text(text)
    if given is not None:
        return Given((), sources=source.for_domains(given, name=name, domains=domains))
    return Given(tuple(selection.for_domains(text, name=name, domains=domains)))


def read(given: str) -> tuple[str, str | bytes]:
    """The name and the text of the selection in a file, on standard input, or in `given` itself.

    Raises:
        ConfigError: the file cannot be read.
    """
    if given == STANDARD_INPUT:
        return PASTED, sys.stdin.buffer.read()
    if _TEXT.match(given):
        return PASTED, given
    path = Path(given).expanduser()
    try:
        return path.stem, user_file.read(path)
    except ConfigError as error:
        raise ConfigError(
            f"{plain(error)}; name a selection of the settings or a file, give - for standard input, or paste the text "
            "between quotes"
        ) from None

"""Finds the selections that a command is about: those of the settings, a file, standard input, or the text itself."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from supervisor.config.files import user_file
from tasks.errors import ConfigError, plain
from tasks.keepa.selection import selection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from supervisor.config.settings import Settings
    from tasks.keepa.selection.selection import Selection

STANDARD_INPUT: Final = "-"
PASTED: Final = "pasted"  # the name of a selection that came without a file
_TEXT: Final = re.compile(r"\s*[{\[]|\s*(?:https?://|selection=)", re.IGNORECASE)
_KEY: Final = re.compile(r"[?&]key=", re.IGNORECASE)
_KEY_NOTE: Final = (
    "the address has an API key in it, which other users of this machine may have seen while the command ran: next "
    "time give it on standard input, with - in its place"
)


class Given(NamedTuple):
    """What was found; `faults` has one message for each source that is no selection."""

    selections: tuple[Selection, ...]
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def find(sources: Sequence[str], settings: Settings) -> Given:
    """The selections of `sources`, once for each locale they are meant for; without sources those of the settings."""
    domains = settings.keepa_domains
    if not sources:
        found = settings.loaded_selections
        return Given(tuple(selection.parse(one.query, name=one.name) for one in found), notes=settings.notes)
    selections: list[Selection] = []
    faults: list[str] = []
    for source in sources:
        try:
            named = [one for one in settings.loaded_selections if one.name == source]
            if named:
                selections += [selection.parse(one.query, name=one.name) for one in named]
            else:
                name, text = read(source)
                selections += selection.for_domains(text, name=name, domains=domains)
        except ConfigError as error:
            faults.append(plain(error))
    is_shown = any(_TEXT.match(source) and _KEY.search(source) for source in sources)
    return Given(tuple(selections), tuple(faults), (_KEY_NOTE,) if is_shown else ())


def read(source: str) -> tuple[str, str | bytes]:
    """The name and the text of the selection in a file, on standard input, or in `source` itself.

    Raises:
        ConfigError: the file cannot be read.
    """
    if source == STANDARD_INPUT:
        return PASTED, sys.stdin.buffer.read()
    if _TEXT.match(source):
        return PASTED, source
    path = Path(source).expanduser()
    try:
        return path.stem, user_file.read(path)
    except ConfigError as error:
        raise ConfigError(
            f"{plain(error)}; name a selection of the settings or a file, give - for standard input, or paste the text "
            "between quotes"
        ) from None

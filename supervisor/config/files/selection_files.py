"""Reads the selection files: one selection in each, JSON as Keepa's deals page exports it."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from supervisor.config.files import user_file
from tasks.errors import ConfigError, plain
from tasks.keepa.selection import selection
from tasks.keepa.source import source
from tasks.settings import SelectionSettings, SourceSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tasks.keepa.source.source import Source

_PASTED: Final = re.compile(r"\s*(\{|https?://)", re.IGNORECASE)
# What nobody takes for a selection: hidden files, back-ups of editors, and what goes with any folder.
_IGNORED: Final = re.compile(r"(?is)\..*|.*(~|#|\.bak|\.orig)|(README|LICEN[SC]E|COPYING)([._-].*)?")
_NAMED: Final = 3  # names in a note
_SHOWN: Final = 60  # characters of one
_MOST: Final = 200  # files: each is walked by itself, at five tokens a page


def read(
    where: str,
    domains: Sequence[int] | None,
    faults: list[str],
    notes: list[str],
    sources: list[SourceSettings] | None = None,
) -> tuple[SelectionSettings, ...]:
    """The selections of the folder or of the files `where`, the built-in one when it is empty.

    One that names no `domainId` is there once for each of `domains`. Sources of another kind, which lie beside them,
    are added to `sources`. What is wrong is added to `faults`, and what may be a mistake to `notes`.
    """
    locales = domains or (1,)
    if not where:
        return tuple(_settings(selection.default_selection(domain)) for domain in locales)
    pasted = _PASTED.match(where)
    if pasted is not None:
        what = "a selection itself" if pasted[1] == "{" else "an address"
        faults.append(
            f"SELECTIONS: the value is {what}; put it into a file whose name ends with .json, and name that file or "
            "its folder"
        )
        return ()
    found: list[selection.Selection] = []
    others: list[Source] = []
    for path in _files(where, faults, notes):
        try:
            text = user_file.read(path)
        except ConfigError as error:
            faults.append(f"SELECTIONS: {plain(error)}; name a folder, or files, that can be read")
            continue
        try:
            given = source.in_text(text)
            if given is not None:
                others += source.for_domains(given, name=path.stem, domains=locales)
                continue
            found += selection.for_domains(text, name=path.stem, domains=locales)
        except ConfigError as error:
            faults.append(f"SELECTIONS: {path}: " + plain(error).replace("\n", "\n    "))
    faults += _duplicates([*found, *others])
    if sources is not None:
        sources += [SourceSettings(name=one.name, query=dict(one.query)) for one in others]
    return tuple(_settings(one) for one in found)


def _files(where: str, faults: list[str], notes: list[str]) -> Iterator[Path]:
    for part in filter(None, (part.strip() for part in where.split(","))):
        try:
            path = Path(part).expanduser()
            inside = sorted(islice(_selections_in(path), _MOST + 1)) if path.is_dir() else None
        except RuntimeError:
            faults.append(f"SELECTIONS: {part}: no user has that home folder; write the whole path")
        except OSError as error:
            faults.append(f"SELECTIONS: {part} cannot be read: {error.strerror or error}; name one that can be")
        else:
            if inside is None:
                yield path
            elif inside and len(inside) <= _MOST:
                notes += _unread(path)
                yield from inside
            elif inside:
                faults.append(f"SELECTIONS: the folder {path} has more than {_MOST} *.json files; is it the right one?")
            else:
                faults.append(f"SELECTIONS: the folder {path} has no *.json file; put one there or unset SELECTIONS")


def _selections_in(folder: Path) -> Iterator[Path]:
    """The selection files in a folder. Hidden ones belong to an editor, or somebody disabled them."""
    return (path for path in folder.glob("*.json") if not path.name.startswith("."))


def _unread(folder: Path) -> list[str]:
    """A note on what in the folder is not read: it may be a selection under another name."""
    names = (path.name for path in folder.iterdir() if path.suffix != ".json")
    others = sorted(name for name in names if not _IGNORED.fullmatch(name))
    if not others:
        return []
    named = ", ".join(repr(name)[:_SHOWN] for name in others[:_NAMED])
    more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
    rule = "a selection is a file whose name ends with .json; rename it, or put it elsewhere"
    return [f"SELECTIONS: {named}{more} in the folder {folder} is not read: {rule}"]


def _duplicates(found: Sequence[selection.Selection | Source]) -> list[str]:
    """The selections and sources that ask for the same as another one: they would be walked and paid for twice."""
    first: dict[str, str] = {}
    faults = []
    for one in found:
        if one.key in first:
            faults.append(f"SELECTIONS: {one.name} asks for the same as {first[one.key]}; remove one of them")
        first.setdefault(one.key, one.name)
    return faults


def _settings(one: selection.Selection) -> SelectionSettings:
    return SelectionSettings(name=one.name, query=dict(one.query))

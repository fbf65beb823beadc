"""Reads the selection files: one selection in each, JSON as Keepa's deals page exports it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from supervisor.config.files import named_files, user_file
from tasks.errors import ConfigError, plain
from tasks.keepa.selection import selection
from tasks.keepa.source import source
from tasks.settings import SelectionSettings, SourceSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tasks.keepa.source.source import Source

_PASTED: Final = re.compile(r"\s*(\{|https?://)", re.IGNORECASE)
# What nobody takes for a selection: hidden files, back-ups of editors, and what goes with any folder.
_IGNORED: Final = re.compile(r"(?is)\..*|.*(~|#|\.bak|\.orig)|(README|LICEN[SC]E|COPYING)([._-].*)?")
_NAMED: Final = 3  # names in a note
_SHOWN: Final = 60  # characters of one


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
    for part in named_files.parts(where):
        named = named_files.find(part, _KIND, faults)
        if named is None:
            continue
        if named.inside is None:
            yield named.path
        else:
            notes += _unread(named.path)
            yield from named.inside


def _selections_in(folder: Path) -> Iterator[Path]:
    """The selection files in a folder. Hidden ones belong to an editor, or somebody disabled them."""
    return (path for path in folder.glob("*.json") if not path.name.startswith("."))


_KIND: Final = named_files.FileKind(setting="SELECTIONS", inside=_selections_in, many="*.json files", one="*.json file")


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

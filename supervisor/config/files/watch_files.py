"""Reads the lists of products that are kept fresh: files of ASINs in folders or by name, and names of tables."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from supervisor.config.files import named_files, user_file
from tasks.errors import ConfigError, plain
from tasks.keepa import asin_list
from tasks.settings import WatchListSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tasks.keepa.asin_list import AsinList

ENDINGS: Final = (".txt", ".csv")
LIMIT: Final = 64 * 1024 * 1024  # bytes of a file: five million lines
TABLE: Final = "table:"
_TABLE_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)?", re.ASCII)
_SHOWN: Final = 100  # faults of one file; `watch check` shows all of them


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds where a list does not say: its locales, after how many seconds to fetch again, and how much."""

    domains: Sequence[int] | None
    refresh_s: float | None
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFile:
    """A file of ASINs as it was read."""

    path: Path
    content: AsinList
    digest: str


def of_settings(values: Mapping[str, Any], faults: list[str], notes: list[str]) -> tuple[WatchListSettings, ...]:
    """The lists that the settings name; `values` are those settings by field."""
    defaults = Defaults(values["keepa_domains"], values["watch_refresh"], values["watch_detail"])
    return read(str(values["watch"] or ""), defaults, faults, notes)


def read(
    where: str, defaults: Defaults, faults: list[str], notes: list[str], *, shown: int | None = _SHOWN
) -> tuple[WatchListSettings, ...]:
    """The lists in the folders, files and tables that `where` names, each once for each of its locales.

    What is wrong is added to `faults`, with file and line, at most `shown` lines of a file; what may be a mistake is
    added to `notes`.
    """
    found: list[WatchListSettings] = []
    named: list[tuple[str, str]] = []  # with the lists that have faults
    for part in named_files.parts(where):
        if part.lower().startswith(TABLE):
            name = part[len(TABLE) :].strip()
            named.append((name, name))
            found += _table(name, defaults, faults)
            continue
        for path in _files(part, faults):
            named.append((path.stem, str(path.absolute())))
            file = _file(path, faults, shown)
            if file is not None and not file.content.faults:
                found += _lists(file, defaults, notes)
    faults += _same_names(named)
    return tuple(found)


def _file(path: Path, faults: list[str], shown: int | None) -> ListFile | None:
    try:
        data = user_file.read(path, limit=LIMIT)
    except ConfigError as error:
        faults.append(f"WATCH: {plain(error)}; name a folder, or files, that can be read")
        return None
    content = asin_list.parse(data, is_csv=path.suffix.lower() == ".csv")
    told = content.faults[:shown]
    faults += [f"WATCH: {path}, line {fault.line}: {fault.why}" for fault in told]
    if len(told) < len(content.faults):
        more = len(content.faults) - len(told)
        faults.append(f"WATCH: {path}: {more:,} more lines have faults; `sluicegate watch check` shows all of them")
    return ListFile(path=path, content=content, digest=digest(data))


def digest(data: bytes) -> str:
    """What tells one content of a file from another."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _lists(file: ListFile, defaults: Defaults, notes: list[str]) -> Iterator[WatchListSettings]:
    content = file.content
    if content.repeated:
        notes.append(
            f"WATCH: {file.path} names products again in {content.repeated:,} lines; each product is fetched once"
        )
    refresh_s = defaults.refresh_s if content.refresh is None else content.refresh.total_seconds()
    detail = content.detail or defaults.detail
    if refresh_s is None or detail is None:
        return  # the setting itself has a fault, which is told
    for domain in (defaults.domains or (1,)) if content.domain is None else (content.domain,):
        yield WatchListSettings(
            name=file.path.stem,
            domain=domain,
            detail=detail,
            refresh_s=refresh_s,
            path=str(file.path.absolute()),
            digest=file.digest,
            products=len(content.asins),
        )


def _table(name: str, defaults: Defaults, faults: list[str]) -> Iterator[WatchListSettings]:
    if not _TABLE_NAME.fullmatch(name):
        faults.append(
            f"WATCH: {name!r} is no name of a table; write table:NAME or table:SCHEMA.NAME, in letters, digits and _"
        )
        return
    if defaults.refresh_s is None or defaults.detail is None:
        return
    for domain in defaults.domains or (1,):
        yield WatchListSettings(
            name=name, domain=domain, detail=defaults.detail, refresh_s=defaults.refresh_s, table=name
        )


def _files(part: str, faults: list[str]) -> Sequence[Path]:
    named = named_files.find(part, _KIND, faults)
    if named is None:
        return ()
    path = named.path
    if named.inside is None and path.exists() and path.suffix.lower() not in ENDINGS:
        faults.append(f"WATCH: {path} ends with neither .txt nor .csv, so it is unclear how to read it; rename it")
        return ()
    return (path,) if named.inside is None else named.inside


def lists_in(folder: Path) -> Iterator[Path]:
    """The lists in a folder. Hidden ones belong to an editor, or somebody disabled them."""
    named = (path for path in folder.iterdir() if path.suffix.lower() in ENDINGS)
    return (path for path in named if not path.name.startswith((".", "README")))


_KIND: Final = named_files.FileKind(setting="WATCH", inside=lists_in, many="lists", one="*.txt or *.csv file")


def _same_names(named: Sequence[tuple[str, str]]) -> list[str]:
    """The lists that are called like another one: nobody could tell them apart. A list is named, with its place."""
    first: dict[str, str] = {}
    faults = [
        f"WATCH: {where} has the same name as {other}; rename one of them"
        for name, where in named
        if (other := first.setdefault(name, where)) != where
    ]
    return list(dict.fromkeys(faults))

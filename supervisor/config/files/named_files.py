"""Finds the files that a setting names: each by itself, or a folder of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tasks.errors import in_whole_characters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_MOST: Final = 200  # files of a folder: more are a mistake


@dataclass(frozen=True, slots=True, kw_only=True)
class FileKind:
    """What a setting lists.

    Attributes:
        setting: its name, with which every fault begins.
        inside: the files of this kind in a folder.
        many: what several are called.
        one: what a single one is called.
    """

    setting: str
    inside: Callable[[Path], Iterator[Path]]
    many: str
    one: str


@dataclass(frozen=True, slots=True)
class Named:
    """A path that a setting names, and the files in it in their order; None when it is no folder."""

    path: Path
    inside: tuple[Path, ...] | None


def parts(value: str) -> list[str]:
    """What stands between the commas of a setting."""
    return [part for one in value.split(",") if (part := one.strip())]


def find(part: str, kind: FileKind, faults: list[str]) -> Named | None:
    """The path that a part of the setting names; None when it cannot be used, which is then added to `faults`."""
    try:
        path = Path(part).expanduser()
        inside = tuple(sorted(islice(kind.inside(path), _MOST + 1))) if path.is_dir() else None
    except RuntimeError:
        faults.append(f"{kind.setting}: {part}: no user has that home folder; write the whole path")
        return None
    except OSError as error:
        faults.append(f"{kind.setting}: {part} cannot be read: {error.strerror or error}; name one that can be")
        return None
    if inside == ():
        faults.append(f"{kind.setting}: the folder {path} has no {kind.one}; put one there or unset {kind.setting}")
        return None
    if inside is not None and len(inside) > _MOST:
        faults.append(f"{kind.setting}: the folder {path} has more than {_MOST} {kind.many}; is it the right one?")
        return None
    if inside is not None:
        faults += unnamed(inside, kind.setting)
    return Named(path, inside)


def unnamed(found: Iterable[Path], setting: str) -> list[str]:
    """A fault for each file whose name is not UTF-8: what it holds is called by that name in the log and in tables."""
    return [
        f"{setting}: the name of {path} is not UTF-8; rename the file"
        for path in found
        if in_whole_characters(path.name) != path.name
    ]

"""Reads the files of a folder of keys: one key in each, with what it lists, its floors, its shares and its pool."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from supervisor.config import api_key_check
from supervisor.config.files import env_file, selection_files, user_file
from supervisor.config.option_kinds import UnusableValue
from supervisor.config.options import BY_NAME
from tasks.errors import ConfigError, plain
from tasks.planning import streams
from tasks.secret import Secret
from tasks.settings import SelectionSettings, SourceSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from supervisor.config.blame import Faults
    from tasks.keepa.source.source import Source
    from tasks.planning.streams import Stream

KEY: Final = "KEEPA_API_KEY"
POOL: Final = "POOL"
_OWN: Final = ("UPSERT_FLOOR", "BACKFILL_FLOOR", "UPSERT_SHARE", "BACKFILL_SHARE")
_NAMES: Final = (KEY, "SELECTIONS", *_OWN, POOL)
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_ENDING: Final = ".env"
_MOST: Final = 200
_FOR_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class KeyFile(msgspec.Struct, frozen=True, kw_only=True):
    """One key as its file has it; what the file leaves out is that of the other settings.

    Attributes:
        name: the name of its file without the ending.
        pool: keys of one pool pay for what any of them asks for; empty is a pool as well.
        selections, sources: what it lists, but for what a key before it lists already.
    """

    name: str
    api_key: Secret
    upsert_floor: int
    backfill_floor: int
    upsert_share: float
    backfill_share: float
    pool: str = ""
    selections: tuple[SelectionSettings, ...] = ()
    sources: tuple[SourceSettings, ...] = ()


def take(values: dict[str, Any], faults: Faults, notes: list[str]) -> None:
    """Add the keys in the folder KEYS, and what all of them list; a bad file leaves the others to who only reads."""
    made: tuple[str, ...] = ("loaded_keys", "loaded_selections", "loaded_sources")
    of_files: list[str] = []
    with faults.of(*made) as told:
        keys = read(values, told, of_files, notes)
    for words in of_files:
        (faults.bear if keys else faults.add)(words, *made)
    values["loaded_keys"] = keys
    if keys:
        values["keepa_api_key"] = keys[0].api_key
        values["loaded_selections"] = tuple(one for key in keys for one in key.selections)
        values["loaded_sources"] = [one for key in keys for one in key.sources]


def read(values: Mapping[str, Any], faults: list[str], of_files: list[str], notes: list[str]) -> tuple[KeyFile, ...]:
    """The keys in the folder that the setting KEYS names, by name; none when it names none.

    `values` are the settings by field. What is wrong with the folder is added to `faults`, what is wrong with some of
    its files, whose keys are left out, to `of_files`, and what may be a mistake to `notes`; no word of them has
    anything of a key.
    """
    where = str(values["keys"] or "")
    if not where:
        return ()
    if values["keepa_api_key"]:
        faults.append(f"{KEY} and KEYS are both set: put the key into a file of the folder KEYS, and unset {KEY}")
    first: dict[Secret, str] = {}
    found = [one for path in _files(where, faults) if (one := _key(path, values, first, of_files, notes)) is not None]
    return _shared(found, values["keepa_domains"] or (1,), of_files)


def names(where: str) -> list[str]:
    """The names of the keys in the folder, whatever else is wrong with it."""
    try:
        return sorted(path.stem for path in _keys_in(Path(where).expanduser())) if where else []
    except (OSError, RuntimeError):
        return []


def texts(where: str) -> Iterator[tuple[str, str]]:
    """The text of each key in the folder by its name, whether or not its file can be used: what must not be shown."""
    for name in names(where):
        given = _given(Path(where).expanduser() / f"{name}{_ENDING}", [])
        yield name, (given or {}).get(KEY, "")


def _files(where: str, faults: list[str]) -> list[Path]:
    try:
        folder = Path(where).expanduser()
        found = sorted(_keys_in(folder)) if folder.is_dir() else None
    except RuntimeError:
        faults.append(f"KEYS: {where}: no user has that home folder; write the whole path")
        return []
    except OSError as error:
        faults.append(f"KEYS: {where} cannot be read: {error.strerror or error}; name a folder that can be")
        return []
    if found is None:
        faults.append(f"KEYS: {folder} is not a folder; make one with a file NAME{_ENDING} for each key")
    elif not found:
        faults.append(f"KEYS: the folder {folder} has no *{_ENDING} file; put one there for each key, or unset KEYS")
    elif len(found) > _MOST:
        faults.append(f"KEYS: the folder {folder} has more than {_MOST} *{_ENDING} files; is it the right one?")
        return []
    return found or []


def _keys_in(folder: Path) -> Iterator[Path]:
    return (path for path in folder.glob(f"*{_ENDING}") if not path.name.startswith("."))


def _key(
    path: Path, values: Mapping[str, Any], first: dict[Secret, str], faults: list[str], notes: list[str]
) -> KeyFile | None:
    """The key in a file; None when anything of it is wrong. `first` has the file of each key that was read before."""
    before = len(faults)
    if not _NAME.fullmatch(path.stem):
        faults.append(
            f"KEYS: {path}: the name of a key has up to 32 small letters, digits, - and _, and begins with a letter "
            "or a digit; rename the file"
        )
    given = _given(path, faults)
    if given is None:
        return None
    unknown = sorted(set(given) - set(_NAMES))
    if unknown:
        faults.append(f"KEYS: {path}: {', '.join(unknown)}: the file of a key has {', '.join(_NAMES)} alone; remove it")
    key = given.get(KEY, "").strip()
    _check_key(path, key, values, faults, notes)
    if key and (other := first.setdefault(Secret(key), path.stem)) != path.stem:
        faults.append(f"KEYS: {path.stem} and {other} are the same key; remove one of the files")
    own: dict[str, Any] = {name.lower(): _own(path, name, given, values, faults) for name in _OWN}
    pool = given.get(POOL, "").strip()
    if pool and not _NAME.fullmatch(pool):
        faults.append(f"KEYS: {path}: {POOL} cannot be used; expected small letters, digits, - and _")
    selections, sources = _listed(path, given, values, faults, notes)
    faults += _conflicts(path, own)
    if len(faults) > before:
        return None
    return KeyFile(name=path.stem, api_key=Secret(key), pool=pool, selections=selections, sources=sources, **own)


def _check_key(path: Path, key: str, values: Mapping[str, Any], faults: list[str], notes: list[str]) -> None:
    if not key:
        faults.append(f"KEYS: {path} has no {KEY}: write {KEY}=... with the key, or remove the file")
    else:
        api_key_check.check(key, values["keepa_base_url"], f"KEYS: {path}: {KEY}", faults, notes)


def _given(path: Path, faults: list[str]) -> dict[str, str] | None:
    """What the file says; None when it cannot be read, or when others may read it."""
    try:
        mode = path.stat().st_mode
        found = env_file.parse(user_file.read(path).decode())
    except UnicodeDecodeError as error:
        faults.append(f"KEYS: {path} cannot be read: byte {error.start} is not UTF-8; save it as plain text in UTF-8")
    except OSError as error:
        faults.append(f"KEYS: {path} cannot be read: {error.strerror or error}; correct it or remove it")
    except ConfigError as error:
        faults.append(f"KEYS: {plain(error)}; correct it or remove it")
    else:
        if mode & _FOR_OTHERS:
            faults.append(f"KEYS: {path} can be read by others (mode {stat.S_IMODE(mode):04o}): `chmod 600 {path}`")
        faults += [f"KEYS: {path}, {fault}" for fault in found.faults]
        return found.values
    return None


def _own(path: Path, name: str, given: Mapping[str, str], values: Mapping[str, Any], faults: list[str]) -> object:
    """The value of a setting that each key may have for itself, or that of all."""
    text, option = given.get(name, "").strip(), BY_NAME[name]
    if not text:
        return values[option.field] if values[option.field] is not None else option.kind.parse(option.default)
    try:
        return option.kind.parse(text)
    except UnusableValue as error:
        faults.append(f"KEYS: {path}: {name} cannot be used: {plain(error)}")
    except ValueError:
        faults.append(f"KEYS: {path}: {name} cannot be used; expected {option.kind.expected}")
    return None


def _conflicts(path: Path, own: Mapping[str, Any]) -> list[str]:
    found = []
    shares, floors = (own["upsert_share"], own["backfill_share"]), (own["upsert_floor"], own["backfill_floor"])
    if None not in shares and sum(shares) >= 1:
        found.append(f"KEYS: {path}: UPSERT_SHARE and BACKFILL_SHARE are 1 or more together: lower them")
    if None not in floors and floors[0] > floors[1]:
        found.append(f"KEYS: {path}: UPSERT_FLOOR is above BACKFILL_FLOOR; raise BACKFILL_FLOOR or lower UPSERT_FLOOR")
    return found


def _listed(
    path: Path, given: Mapping[str, str], values: Mapping[str, Any], faults: list[str], notes: list[str]
) -> tuple[tuple[SelectionSettings, ...], tuple[SourceSettings, ...]]:
    """What the file says to list, or what the other settings do."""
    where = given.get("SELECTIONS", "").strip()
    if not where:
        return values["loaded_selections"], tuple(values["loaded_sources"])
    sources: list[SourceSettings] = []
    own: list[str] = []
    selections = selection_files.read(where, values["keepa_domains"], own, notes, sources)
    faults += [f"KEYS: {path}: {fault}" for fault in own]
    return selections, tuple(sources)


def _shared(found: list[KeyFile], domains: tuple[int, ...], faults: list[str]) -> tuple[KeyFile, ...]:
    """The keys, each with what no key before it lists: what two of them name is listed, and paid for, once."""
    owners: dict[tuple[str, int], KeyFile] = {}
    labels: dict[tuple[str, int], tuple[str, str]] = {}

    def is_own(key: KeyFile, listed: Stream | Source, name: str) -> bool:
        first = owners.setdefault((listed.key, listed.domain), key)
        other = labels.setdefault((name, listed.domain), (listed.key, key.name))
        if first.pool != key.pool:
            faults.append(
                f"KEYS: {name} is in the pools of {first.name} and {key.name}, and only one of them can pay for it; "
                "give each its own selections"
            )
        elif other[0] != listed.key:
            faults.append(f"KEYS: {other[1]} and {key.name} have different selections called {name}; rename one")
        return first is key

    kept = []
    for key in found:
        selections = [one for one in key.selections if is_own(key, streams.streams((one,), domains)[0], one.name)]
        sources = [one for one in key.sources if is_own(key, streams.sources_of((one,))[0], one.name)]
        kept.append(msgspec.structs.replace(key, selections=tuple(selections), sources=tuple(sources)))
    return tuple(kept)

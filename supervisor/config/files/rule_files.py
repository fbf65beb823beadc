"""Reads the folder of rules: a rule in each `*.toml` file, and in `targets.toml` where messages go."""

from __future__ import annotations

import stat
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from supervisor.config.files import named_files, user_file
from tasks.errors import ConfigError, plain

if TYPE_CHECKING:
    from collections.abc import Collection

    from tasks.rule_settings import RuleSettings, TargetSettings

TARGETS: Final = "targets.toml"
_MOST: Final = 200  # rules


class Rules(NamedTuple):
    """What the folder has: rules, and the targets that they name."""

    rules: tuple[RuleSettings, ...] = ()
    targets: tuple[TargetSettings, ...] = ()


def read(where: str, faults: list[str], notes: list[str]) -> Rules:
    """The rules and targets in the folder `where`; none when it is empty.

    What is wrong is added to `faults`, with file and word, and what may be a mistake to `notes`. No message shows what
    a target has.
    """
    if not where:
        return Rules()
    try:
        folder = Path(where).expanduser()
        found = sorted(islice(_rules_in(folder), _MOST + 1))
    except RuntimeError:
        faults.append(f"RULES: {where}: no user has that home folder; write the whole path")
        return Rules()
    except OSError as error:
        faults.append(f"RULES: {where} is no folder that can be read: {error.strerror or error}; name one that can be")
        return Rules()
    if not found or len(found) > _MOST:
        many = f"more than {_MOST} *.toml files; is it the right one?" if found else "no rule (*.toml); put one there"
        faults.append(f"RULES: the folder {folder} has {many}")
        return Rules()
    faults += named_files.unnamed(found, "RULES")
    targets = _targets(folder / TARGETS, faults, notes)
    rules = [rule for path in found if (rule := _rule(path, targets, faults)) is not None]
    if targets is None:
        return Rules()
    return Rules(tuple(rules), tuple(one for one in targets.values() if one is not None))


def _rules_in(folder: Path) -> list[Path]:
    """The rules in a folder. Hidden files belong to an editor, or somebody disabled them."""
    named = (path for path in folder.iterdir() if path.suffix == ".toml" and path.name != TARGETS)
    return [path for path in named if not path.name.startswith(".")]


def _rule(path: Path, targets: Collection[str] | None, faults: list[str]) -> RuleSettings | None:
    """The rule in a file; what is wrong with it is told whole, targets that there are not among it."""
    from tasks.notify import rule

    given = _table(path, faults)
    if given is None:
        return None
    found, wrong = rule.parse(path.stem, given)
    unknown = [] if targets is None else [name for name in rule.told(given) if name not in targets]
    if unknown:
        called = ", ".join(map(repr, unknown))
        wrong.append(f"to: no target is called {called}; {TARGETS} has {', '.join(targets or ()) or 'none'}")
    faults += [f"RULES: {path.name}: {fault}" for fault in wrong]
    return found


def _targets(path: Path, faults: list[str], notes: list[str]) -> dict[str, TargetSettings | None] | None:
    """The targets by name, None for one with a fault; None when the file cannot be read."""
    from tasks.notify import target

    given = _table(path, faults, is_secret=True)
    if given is None:
        return None
    if path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        notes.append(f"RULES: others on this machine may read {path}, which has secrets: `chmod 600 {path}`")
    found: dict[str, TargetSettings | None] = {}
    for name, value in given.items():
        found[name], wrong = target.parse(name, value)
        faults += [f"RULES: {TARGETS}: [{name}]: {fault}" for fault in wrong]
    return found


def _table(path: Path, faults: list[str], *, is_secret: bool = False) -> dict[str, Any] | None:
    import tomllib  # only who has rules needs it

    try:
        return tomllib.loads(user_file.read(path).decode())
    except ConfigError as error:
        faults.append(f"RULES: {plain(error)}; " + (f"{TARGETS} says where messages go" if is_secret else "correct it"))
    except UnicodeDecodeError as error:
        faults.append(f"RULES: {path}: byte {error.start} is not UTF-8; save it as plain text in UTF-8")
    except tomllib.TOMLDecodeError as error:
        faults.append(f"RULES: {path} is no TOML: {_place(error) if is_secret else plain(error)}")
    return None


def _place(error: ValueError) -> str:
    """Where the fault is, without a word of the file."""
    _, _, place = plain(error).rpartition("(")
    return f"there is a fault {place.rstrip(')')}" if place.startswith("at ") else "there is a fault"

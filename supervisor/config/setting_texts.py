"""The settings as somebody wrote them, in the environment or in `.env`, before anything is checked.

The environment wins over `.env`; an empty value means unset, or off where a setting has that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from supervisor.config import similar_names
from supervisor.config.files import env_file, user_file
from supervisor.config.options import BY_NAME, OPTIONS
from tasks.errors import ConfigError, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supervisor.config.options import Option

DOTENV: Final = Path(".env")


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The settings as they were found, by name: the text and its source.

    Attributes:
        faults: what could not be read at all, each a sentence.
        unread: the names of the settings that may stand in what could not be read.
        notes: what is not a fault but may be a mistake.
        lines: the settings of the file, in the order of its lines; for a slip that which was meant.
        misspelt: names of the file that are slips, and the settings that were meant.
    """

    found: dict[str, tuple[str, str]] = field(repr=False)  # with the secrets in clear
    unknown: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    unread: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    misspelt: Mapping[str, str] = field(default_factory=dict[str, str])

    def places(self) -> dict[str, int]:
        """The place of each field as a person goes through the settings: those of `.env` by lines, then all others."""
        slips = set(self.misspelt.values())
        lines = [name for name in self.lines if self.found[name][1] == DOTENV.name or name in slips]
        names = [*lines, *(option.name for option in OPTIONS if option.name not in lines)]
        return {BY_NAME[name].field: place for place, name in enumerate(names)}


def read_texts(environ: Mapping[str, str], *, dotenv: Path | None = DOTENV) -> Texts:
    """The settings in `environ` and the file `dotenv`, not yet checked."""
    faults: list[str] = []
    file = from_file(dotenv, faults)
    found = {option.name: look_up(option, environ, file.values) for option in OPTIONS}
    misspelt = _misspelt(file, found)
    known = [name for name in file.values if name not in misspelt]
    notes = [*similar_names.in_file(known), *similar_names.in_environment(environ)]
    for name, lines in file.repeated.items():
        notes.append(f".env sets {name} in lines {', '.join(map(str, lines))}: the last one is used; delete the others")
    unknown = tuple(sorted(set(file.values) - set(found)))
    unread = frozenset(name for name, (_, source) in found.items() if _may_be_unread(name, source, file))
    in_file = dict.fromkeys(misspelt.get(name, name) for name in file.values if name in found or name in misspelt)
    return Texts(
        found=found,
        unknown=unknown,
        faults=tuple(faults),
        unread=unread,
        notes=tuple(notes),
        lines=tuple(in_file),
        misspelt=misspelt,
    )


def _misspelt(file: env_file.EnvFile, found: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """The names of the file that are most likely slips, and the settings that were meant, which are set nowhere else.

    Without these a run would go to another database, key, server or folder.
    """
    slips = {}
    for name, text in file.values.items():
        meant = None if name in BY_NAME else similar_names.misspelt(name, text)
        if meant and found[meant][1] == "default" and text.strip():
            slips[name] = meant
    return slips


def _may_be_unread(name: str, source: str, file: env_file.EnvFile) -> bool:
    """Whether a line that was not understood may have set this setting, and would have been the one that counts."""
    if name in file.unread:
        return source != "environment"
    return file.may_set_any and source == "default"


def from_file(path: Path | None, faults: list[str]) -> env_file.EnvFile:
    """The contents of the file `path`, if there is one; what is wrong with it is added to `faults`."""
    if path is None or not (path.exists() or path.is_symlink()):
        return env_file.EnvFile()
    try:
        found = env_file.parse(user_file.read(path).decode())
    except UnicodeDecodeError as error:
        faults.append(f"{path} cannot be read: byte {error.start} is not UTF-8; save it as plain text in UTF-8")
        return env_file.EnvFile(unread=frozenset(BY_NAME))
    except ConfigError as error:
        faults.append(f"{plain(error)}; correct it or remove it")
        return env_file.EnvFile(unread=frozenset(BY_NAME))
    faults += [f"{path}, {fault}" for fault in found.faults]
    return found


def look_up(option: Option, environ: Mapping[str, str], in_file: Mapping[str, str]) -> tuple[str, str]:
    """The text of a setting and its source; where it is set nowhere, its default."""
    for source, values in (("environment", environ), (".env", in_file)):
        text = values.get(option.name, "").strip()
        if text or (option.has_off and option.name in values):
            return text, source
    return option.default, "default"

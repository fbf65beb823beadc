"""Compares two configurations: what a running supervisor can follow, and what needs a new start. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from supervisor.config.options import BY_NAME, OPTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from supervisor.config.settings import Settings
    from tasks.roles import Role
    from tasks.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What the change from one configuration to another does to a run.

    Attributes:
        settings: the settings from now on: the new ones, and the old ones where a change needs a new start.
        followed: what changes, each as `NAME old -> new`.
        left: the names of those that need a new start.
        roles: the roles whose workers are replaced.
    """

    settings: Settings
    followed: tuple[str, ...]
    left: tuple[str, ...]
    roles: frozenset[Role]

    @property
    def words(self) -> str:
        """The change in a sentence."""
        parts = [", ".join(self.followed) if self.followed else "nothing changed"]
        if self.left:
            verb = "needs" if len(self.left) == 1 else "need"
            parts.append(f"{', '.join(self.left)} {verb} a new start of the supervisor and did not change")
        return "; ".join(parts)


def between(old: Settings, new: Settings) -> Change:
    """The change from `old` to `new`."""
    differ = [option for option in OPTIONS if getattr(old, option.field) != getattr(new, option.field)]
    keys_stay = _which(old) == _which(new)
    if old.keys and old.keys == new.keys:
        differ = [option for option in differ if option.name != "KEEPA_API_KEY"]
        differ += [] if keys_stay else [BY_NAME["KEYS"]]
    left = [option for option in differ if option.replaces is None]
    roles: set[Role] = set()
    followed = []
    for option in differ:
        if option.replaces is not None:
            roles |= option.replaces
            before, after = _shown(getattr(old, option.field)), _shown(getattr(new, option.field))
            followed.append(f"{option.name} {before} -> {after}")
    for words, more in _other_contents(old, new, is_quiet=bool(followed)):
        roles |= more
        followed.append(words)
    kept = {option.field: getattr(old, option.field) for option in left}
    if not keys_stay:
        kept |= {name: getattr(old, name) for name in _OF_KEYS}
    sources = {**new.sources, **{option.name: old.sources[option.name] for option in left}}
    return Change(
        settings=msgspec.structs.replace(new, **kept, sources=sources),
        followed=tuple(followed),
        left=tuple(option.name for option in left),
        roles=frozenset(roles),
    )


def _told(settings: Settings) -> object:
    return settings.loaded_rules, settings.loaded_targets


def _other_contents(old: Settings, new: Settings, *, is_quiet: bool) -> Iterator[tuple[str, frozenset[Role]]]:
    """What has changed in files whose settings stay as they are, and whose workers are replaced for it.

    With `is_quiet` another setting has changed, which may be why.
    """
    has_same_names = (old.selections, old.keepa_domains) == (new.selections, new.keepa_domains)
    contents = [(one.loaded_selections, one.loaded_sources) for one in (old, new)]
    if has_same_names and contents[0] != contents[1] and not old.loaded_keys:
        yield "SELECTIONS: other contents", BY_NAME["SELECTIONS"].replaces or frozenset()
    if old.watch == new.watch and old.loaded_lists != new.loaded_lists and not is_quiet:
        yield "WATCH: other contents", BY_NAME["WATCH"].replaces or frozenset()
    if old.rules == new.rules and _told(old) != _told(new):
        yield "RULES: other contents", frozenset()
    if _which(old) == _which(new) and _listed(old) != _listed(new):
        yield "KEYS: other contents", BY_NAME["SELECTIONS"].replaces or frozenset()
    elif _which(old) == _which(new) and old.loaded_keys != new.loaded_keys and not is_quiet:
        yield "KEYS: other floors or shares", frozenset()


_OF_KEYS: Final = ("keepa_api_key", "loaded_keys", "loaded_selections", "loaded_sources")


def _which(settings: Settings) -> list[tuple[str, Secret]]:
    """The keys of a configuration: another one needs another ledger."""
    return [(key.name, key.api_key) for key in settings.loaded_keys]


def _listed(settings: Settings) -> list[tuple[object, ...]]:
    """What each key lists and pays for: what its workers have to know."""
    return [(key.pool, key.selections, key.sources) for key in settings.loaded_keys]


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if isinstance(value, float):
        return f"{value:g}"
    return "unset" if value in {None, ""} else str(value)

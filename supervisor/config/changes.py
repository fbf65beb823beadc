"""Compares two configurations: what a running supervisor can follow, and what needs a new start. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from supervisor.config.options import BY_NAME, OPTIONS

if TYPE_CHECKING:
    from supervisor.config.settings import Settings
    from tasks.roles import Role


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
    left = [option for option in differ if option.replaces is None]
    roles: set[Role] = set()
    followed = []
    for option in differ:
        if option.replaces is not None:
            roles |= option.replaces
            before, after = _shown(getattr(old, option.field)), _shown(getattr(new, option.field))
            followed.append(f"{option.name} {before} -> {after}")
    has_same_names = (old.selections, old.keepa_domains) == (new.selections, new.keepa_domains)
    contents = [(one.loaded_selections, one.loaded_sources) for one in (old, new)]
    if has_same_names and contents[0] != contents[1]:
        roles |= BY_NAME["SELECTIONS"].replaces or set()
        followed.append("SELECTIONS: other contents")
    if old.watch == new.watch and old.loaded_lists != new.loaded_lists and not followed:
        roles |= BY_NAME["WATCH"].replaces or set()
        followed.append("WATCH: other contents")
    if old.rules == new.rules and _told(old) != _told(new):
        followed.append("RULES: other contents")
    kept = {option.field: getattr(old, option.field) for option in left}
    sources = {**new.sources, **{option.name: old.sources[option.name] for option in left}}
    return Change(
        settings=msgspec.structs.replace(new, **kept, sources=sources),
        followed=tuple(followed),
        left=tuple(option.name for option in left),
        roles=frozenset(roles),
    )


def _told(settings: Settings) -> object:
    return settings.loaded_rules, settings.loaded_targets


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if isinstance(value, float):
        return f"{value:g}"
    return "unset" if value in {None, ""} else str(value)

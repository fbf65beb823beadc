"""What another configuration means for a run that goes on: what it follows, and what needs a new start. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from supervisor.config.options import OPTIONS
from tasks.settings import BACKFILL, UPSERT

if TYPE_CHECKING:
    from supervisor.config.settings import Settings

_BOTH: Final = frozenset({UPSERT, BACKFILL})
_NOBODY: Final[frozenset[str]] = frozenset()

# Whose workers are replaced when a setting changes; nobody's when the supervisor or the ledger alone go by it. A
# setting that does not stand here cannot change while it runs.
LIVE: Final[dict[str, frozenset[str]]] = {
    "CONNECT_TIMEOUT_S": _BOTH,
    "READ_TIMEOUT_S": _BOTH,
    "MAX_BODY_MB": _BOTH,
    "RETRY_DEADLINE_S": _BOTH,
    "KEEPA_DOMAINS": _BOTH,
    "SELECTIONS": _BOTH,
    "UPSERT_DETAIL": frozenset({UPSERT}),
    "BACKFILL_DETAIL": frozenset({BACKFILL}),
    "POLL_INTERVAL_S": frozenset({UPSERT}),
    "MAX_ATTEMPTS": _BOTH,
    "HISTORY_MAX_AGE_D": frozenset({BACKFILL}),
    "SPOOL_LIMIT_MB": _BOTH,
    "LOG_LEVEL": _BOTH,
    "UPSERT_WORKERS": _NOBODY,
    "BACKFILL_WORKERS": _NOBODY,
    "UPSERT_FLOOR": _NOBODY,
    "BACKFILL_FLOOR": _NOBODY,
    "UPSERT_SHARE": _NOBODY,
    "BACKFILL_SHARE": _NOBODY,
    "READY_S": _NOBODY,
    "HANG_S": _NOBODY,
    "STOP_S": _NOBODY,
    "MAX_AGE_H": _NOBODY,
    "MAX_RSS_MB": _NOBODY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The way from one configuration to another.

    Attributes:
        settings: what the run goes by from now on: the other configuration where it can be followed.
        followed: what changes, each as `NAME old -> new`.
        left: names of what would need a new start.
        roles: whose workers are replaced.
    """

    settings: Settings
    followed: tuple[str, ...]
    left: tuple[str, ...]
    roles: frozenset[str]

    @property
    def words(self) -> str:
        """The change in a sentence."""
        parts = [", ".join(self.followed) if self.followed else "nothing changed"]
        if self.left:
            verb = "needs" if len(self.left) == 1 else "need"
            parts.append(f"{', '.join(self.left)} {verb} a new start and stayed as before")
        return "; ".join(parts)


def between(old: Settings, new: Settings) -> Change:
    """The change from `old` to `new`."""
    differ = [option for option in OPTIONS if getattr(old, option.field) != getattr(new, option.field)]
    live = [option for option in differ if option.name in LIVE]
    left = [option for option in differ if option.name not in LIVE]
    followed = [f"{one.name} {_shown(getattr(old, one.field))} -> {_shown(getattr(new, one.field))}" for one in live]
    names = {option.name for option in live}
    if old.chosen != new.chosen and not names & {"SELECTIONS", "KEEPA_DOMAINS"}:
        names.add("SELECTIONS")
        followed.append("SELECTIONS: other contents")
    kept = {option.field: getattr(old, option.field) for option in left}
    sources = {**new.sources, **{option.name: old.sources[option.name] for option in left}}
    return Change(
        settings=msgspec.structs.replace(new, **kept, sources=sources),
        followed=tuple(followed),
        left=tuple(option.name for option in left),
        roles=frozenset[str]().union(*(LIVE[name] for name in names)),
    )


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if isinstance(value, float):
        return f"{value:g}"
    return "unset" if value in {None, ""} else str(value)

"""Stops kinds of requests, for every worker, because most of what is paid for by them cannot be used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from tasks.store.connection import Connection

MIN_CALLS: Final = 3  # with nothing in common, so that one bad product asked for again does not stop the others
_WINDOW: Final = 10  # calls that the sums stand for: what was good last month does not hide what is bad now

_BEGIN: Final = """
INSERT INTO brakes (kind, build, calls, tokens, lost, suspects, why) VALUES (%(kind)s, %(build)s, 0, 0, 0, '{}', '')
ON CONFLICT (kind) DO UPDATE SET
    build = excluded.build, calls = 0, tokens = 0, lost = 0, suspects = '{}', why = '', since = NULL
WHERE brakes.build <> excluded.build
"""
_LOCK: Final = "SELECT calls, tokens, lost, suspects, since FROM brakes WHERE kind = %s FOR UPDATE"
_WRITE: Final = """
UPDATE brakes SET calls = %(calls)s, tokens = %(tokens)s, lost = %(lost)s, suspects = %(suspects)s, why = %(why)s,
    since = coalesce(since, CASE WHEN %(stops)s THEN now() END)
WHERE kind = %(kind)s
"""
_ACTIVE: Final = "SELECT kind, why, since FROM brakes WHERE build = %s AND since IS NOT NULL ORDER BY kind"
_RELEASE: Final = "DELETE FROM brakes WHERE since IS NOT NULL RETURNING kind"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOutcome:
    """What one call brought: of the `tokens` that were paid, `lost` were paid for nothing.

    Attributes:
        items: what was asked for: what is asked for again and is unusable again says nothing new.
        before: calls, and their tokens, that brought nothing unusable since the last that was counted.
    """

    before: tuple[int, int]
    tokens: int
    lost: int
    items: Collection[str]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveBrake:
    """A kind of request that is stopped, since when and why."""

    kind: str
    why: str
    since: datetime


def count_outcome(conn: Connection, kind: str, build: str, outcome: CallOutcome) -> bool:
    """Count what a call of this kind brought; whether the kind is stopped now."""
    conn.execute(_BEGIN, {"kind": kind, "build": build}, prepare=False)
    row = conn.execute(_LOCK, (kind,), prepare=False).fetchone()
    if row is None:
        return False
    calls, tokens, lost, suspects, since = row
    items = set(outcome.items)
    calls, tokens = calls + outcome.before[0], tokens + outcome.before[1]
    if calls > _WINDOW:
        calls, tokens, lost = _WINDOW, tokens * _WINDOW // calls, lost * _WINDOW // calls
    if outcome.lost * 2 > outcome.tokens:
        common = items & set(suspects)
        if common:
            return since is not None
        suspects = sorted(items)
    calls, tokens, lost = calls + 1, tokens + outcome.tokens, lost + outcome.lost
    stops = calls >= MIN_CALLS and lost * 2 > tokens
    conn.execute(
        _WRITE,
        {
            "kind": kind,
            "calls": calls,
            "tokens": tokens,
            "lost": lost,
            "suspects": suspects,
            "why": outcome.why,
            "stops": stops,
        },
        prepare=False,
    )
    return stops or since is not None


def active_brakes(conn: Connection, build: str) -> list[ActiveBrake]:
    """The kinds that are stopped for this build."""
    return [
        ActiveBrake(kind=kind, why=why, since=since)
        for kind, why, since in conn.execute(_ACTIVE, (build,), prepare=False)
    ]


def release_brakes(conn: Connection) -> list[str]:
    """Release all brakes, as if nothing had been counted; the kinds that were stopped."""
    return sorted(kind for (kind,) in conn.execute(_RELEASE, prepare=False))

"""Which kinds of requests are stopped because most of what is paid for cannot be used, for every worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from tasks.store.connection import Connection

LEAST_CALLS: Final = 3  # with nothing in common, so that one bad product asked for again does not stop the others
_WINDOW: Final = 10  # calls that the sums stand for: what was good last month does not hide what is bad now

_BEGIN: Final = """
INSERT INTO brakes (kind, build, calls, tokens, lost, suspects, why) VALUES (%(kind)s, %(build)s, 0, 0, 0, '{}', '')
ON CONFLICT (kind) DO UPDATE SET
    build = excluded.build, calls = 0, tokens = 0, lost = 0, suspects = '{}', why = '', since = NULL
WHERE brakes.build <> excluded.build
"""
_LOOK: Final = "SELECT calls, tokens, lost, suspects, since FROM brakes WHERE kind = %s FOR UPDATE"
_WRITE: Final = """
UPDATE brakes SET calls = %(calls)s, tokens = %(tokens)s, lost = %(lost)s, suspects = %(suspects)s, why = %(why)s,
    since = coalesce(since, CASE WHEN %(stops)s THEN now() END)
WHERE kind = %(kind)s
"""
_HELD: Final = "SELECT kind, why, since FROM brakes WHERE build = %s AND since IS NOT NULL ORDER BY kind"
_LIFT: Final = "DELETE FROM brakes WHERE since IS NOT NULL RETURNING kind"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one call brought: of `tokens` that were paid so many for nothing.

    Attributes:
        things: what was asked for: what is asked for again and is unusable again says nothing new.
        before: calls, and their tokens, that brought nothing unusable since the last that was counted.
    """

    before: tuple[int, int]
    tokens: int
    lost: int
    things: Collection[str]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoppedKind:
    """A kind that is stopped."""

    kind: str
    why: str
    since: datetime


def count(conn: Connection, kind: str, build: str, outcome: Outcome) -> bool:
    """Whether the kind is stopped by now."""
    conn.execute(_BEGIN, {"kind": kind, "build": build}, prepare=False)
    row = conn.execute(_LOOK, (kind,), prepare=False).fetchone()
    if row is None:
        return False
    calls, tokens, lost, suspects, since = row
    things = set(outcome.things)
    calls, tokens = calls + outcome.before[0], tokens + outcome.before[1]
    if calls > _WINDOW:
        calls, tokens, lost = _WINDOW, tokens * _WINDOW // calls, lost * _WINDOW // calls
    if outcome.lost * 2 > outcome.tokens:
        common = things & set(suspects)
        if common:
            return since is not None
        suspects = sorted(things)
    calls, tokens, lost = calls + 1, tokens + outcome.tokens, lost + outcome.lost
    stops = calls >= LEAST_CALLS and lost * 2 > tokens
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


def held(conn: Connection, build: str) -> list[StoppedKind]:
    """The kinds that are stopped for this build."""
    return [
        StoppedKind(kind=kind, why=why, since=since)
        for kind, why, since in conn.execute(_HELD, (build,), prepare=False)
    ]


def lift(conn: Connection) -> list[str]:
    """Let all kinds go on, as if nothing had been counted; which were stopped."""
    return sorted(kind for (kind,) in conn.execute(_LIFT, prepare=False))

"""Turns as rows with a time to live: whoever has one says so again and again, or it is anybody's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tasks.store.connection import Connection

_TAKE: Final = """
INSERT INTO turns AS t (name, owner, until)
VALUES (%(name)s, %(owner)s, clock_timestamp() + make_interval(secs => %(lease_s)s))
ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until
WHERE t.owner = excluded.owner OR t.until <= clock_timestamp()
"""
_KEEP: Final = "UPDATE turns SET until = clock_timestamp() + make_interval(secs => %s) WHERE owner = %s"
_OWNER: Final = "SELECT owner FROM turns WHERE name = %s"
_LEAVE: Final = "DELETE FROM turns WHERE name = %s AND owner = %s"


def take(conn: Connection, name: str, *, owner: str, lease_s: float) -> bool:
    """Whether the turn is `owner`'s for the next `lease_s` seconds; never waits for anybody's to end."""
    return conn.execute(_TAKE, {"name": name, "owner": owner, "lease_s": lease_s}).rowcount == 1


def keep(conn: Connection, *, owner: str, lease_s: float) -> int:
    """Have all turns of `owner` last for `lease_s` seconds more; how many that were."""
    return conn.execute(_KEEP, (lease_s, owner)).rowcount


def owner(conn: Connection, name: str) -> str | None:
    """Who has it, or had it and went without a word."""
    row = conn.execute(_OWNER, (name,)).fetchone()
    return None if row is None else str(row[0])


def leave(conn: Connection, name: str, owner: str) -> None:
    """Let others take the turn, if it is `owner`'s."""
    conn.execute(_LEAVE, (name, owner))

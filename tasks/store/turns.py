"""Takes turns: one worker at a time walks through a stream. A turn is a lease in a row of the database.

It lasts for as long as its owner renews it, and is free at once when the owner's process is dead and ran on this
machine; that of a dead host is given back by the others (`tasks.ingest.dead_hosts`). Nobody may remember having a turn:
while the database was unavailable another may have got it. It is taken anew before each thing that only its owner may
do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger.process import is_dead

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.store.connection import Connection

# Renewed every half minute, also while nothing is due; a machine that is gone keeps others waiting no longer.
_LEASE_S: Final = 120.0

_TAKE: Final = """
INSERT INTO turns AS t (name, owner, until)
VALUES (%(name)s, %(owner)s, clock_timestamp() + make_interval(secs => %(lease_s)s))
ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until
WHERE t.owner = excluded.owner OR t.until <= clock_timestamp()
"""
_RENEW: Final = "UPDATE turns SET until = clock_timestamp() + make_interval(secs => %s) WHERE owner = %s"
_GIVE_UP: Final = "UPDATE turns SET until = clock_timestamp() WHERE name = %s AND owner = %s"
_OWNER: Final = "SELECT owner FROM turns WHERE name = %s"
_RELEASE: Final = "DELETE FROM turns WHERE name = %s AND owner = %s"
_OWNERS: Final = "SELECT DISTINCT owner FROM turns ORDER BY owner"
_RELEASE_OWNERS: Final = "DELETE FROM turns WHERE owner = ANY(%s)"


def try_take_turn(conn: Connection, name: str, owner: str) -> bool:
    """Whether the turn called `name` is `owner`'s, now or already; never waits."""
    if _take(conn, name, owner):
        return True
    row = conn.execute(_OWNER, (name,)).fetchone()
    if row is None or not is_dead(str(row[0])):
        return False
    conn.execute(_RELEASE, (name, row[0]))
    return _take(conn, name, owner)


def renew_turns(conn: Connection, owner: str) -> None:
    """Let all turns of `owner` last for another two minutes."""
    conn.execute(_RENEW, (_LEASE_S, owner))


def give_up(conn: Connection, name: str, owner: str) -> None:
    """Let another owner take the turn at once, if it is `owner`'s."""
    conn.execute(_GIVE_UP, (name, owner))


def owners(conn: Connection) -> list[str]:
    """Everybody who has a turn, or had one and did not give it back."""
    return [str(row[0]) for row in conn.execute(_OWNERS).fetchall()]


def release_turns(conn: Connection, owners: Sequence[str]) -> int:
    """Let others have the turns of these dead owners; how many they were."""
    return conn.execute(_RELEASE_OWNERS, (list(owners),)).rowcount


def _take(conn: Connection, name: str, owner: str) -> bool:
    return conn.execute(_TAKE, {"name": name, "owner": owner, "lease_s": _LEASE_S}).rowcount == 1

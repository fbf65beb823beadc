"""Taking turns: one worker at a time walks through a selection. A turn is a lease in a row of the database.

It lasts for as long as its owner says so, again and again, and is free at once when the owner's process is dead and ran
on this machine. Nobody may remember having a turn: while the database was away another may have got it. It is taken
anew before each thing that only its holder may do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger.process import is_dead

if TYPE_CHECKING:
    from tasks.store.connection import Connection

# Renewed every half minute, also while nothing is due; a machine that went away keeps others waiting no longer.
LEASE_S: Final = 120.0


_TAKE: Final = """
INSERT INTO turns AS t (name, owner, until)
VALUES (%(name)s, %(owner)s, clock_timestamp() + make_interval(secs => %(lease_s)s))
ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until
WHERE t.owner = excluded.owner OR t.until <= clock_timestamp()
"""
_KEEP: Final = "UPDATE turns SET until = clock_timestamp() + make_interval(secs => %s) WHERE owner = %s"
_OWNER: Final = "SELECT owner FROM turns WHERE name = %s"
_LEAVE: Final = "DELETE FROM turns WHERE name = %s AND owner = %s"


def claim_lock(conn: Connection, name: str, *, owner: str, lease_s: float) -> bool:
    """Whether the turn is `owner`'s for the next `lease_s` seconds; never waits for anybody's to end."""
    return conn.execute(_TAKE, {"name": name, "owner": owner, "lease_s": lease_s}).rowcount == 1


def extend_locks(conn: Connection, *, owner: str, lease_s: float) -> int:
    """Have all turns of `owner` last for `lease_s` seconds more; how many that were."""
    return conn.execute(_KEEP, (lease_s, owner)).rowcount


def lock_owner(conn: Connection, name: str) -> str | None:
    """Who has it, or had it and went without a word."""
    row = conn.execute(_OWNER, (name,)).fetchone()
    return None if row is None else str(row[0])


def release_lock(conn: Connection, name: str, owner: str) -> None:
    """Let others take the turn, if it is `owner`'s."""
    conn.execute(_LEAVE, (name, owner))


def try_lock_stream(connection: Connection, name: str, owner: str) -> bool:
    """Whether the turn called `name` is `owner`'s, now or already; never waits."""
    if claim_lock(connection, name, owner=owner, lease_s=LEASE_S):
        return True
    other = lock_owner(connection, name)
    if other is None or not is_dead(other):
        return False
    release_lock(connection, name, other)
    return claim_lock(connection, name, owner=owner, lease_s=LEASE_S)


def renew_locks(connection: Connection, owner: str) -> None:
    """Say that `owner` still wants the turns it has."""
    extend_locks(connection, owner=owner, lease_s=LEASE_S)

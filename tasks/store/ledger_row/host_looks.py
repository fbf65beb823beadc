"""A look at the hosts by who has not watched them: it takes its time where their beats do not tell whether they beat.

Hosts note of each other which of them are dead. Where no other one is there to do that, or the clock of the database
was set a moment ago, the last beat of a host is old, or lies in the future; then it is seen whether another one comes.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ledger import NS_PER_S, SystemClock
from tasks.store.ledger_row import hosts
from tasks.store.ledger_row.beat_watch import GAP_S, BeatWatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger import Clock
    from tasks.store.connection import Connection
    from tasks.store.ledger_row.hosts import Host

_AGAIN_S: Final = 0.5
_DOUBTFUL: Final = """
SELECT host FROM hosts
WHERE left_at IS NULL AND dead_beat IS DISTINCT FROM beat_at
  AND beat_at NOT BETWEEN clock_timestamp() - interval '15 s' AND clock_timestamp()
"""


def look(conn: Connection, *, clock: Clock | None = None, pause: Callable[[float], object] | None = None) -> list[Host]:
    """All hosts by name, of which those that do not beat are said to be dead; nothing is changed.

    Args:
        conn: the database, in autocommit.
        clock: of this machine; in tests another one.
        pause: waits between two looks; in tests something else does.
    """
    time, wait, beats = clock or SystemClock(), pause or threading.Event().wait, BeatWatch()
    doubtful = {row[0] for row in conn.execute(_DOUBTFUL).fetchall()}
    while True:
        found = hosts.hosts(conn)
        beats.look(found, time.now_ns() / NS_PER_S)
        doubted = {one.number for one in found if one.number in doubtful and not beats.changes(one) and one.is_alive}
        dead = {one.number for one in found if one.number in doubted and beats.unchanged_s(one) >= GAP_S}
        if doubted <= dead:
            return [replace(beats.heard(one), is_dead=one.is_dead or one.number in dead) for one in found]
        wait(_AGAIN_S)

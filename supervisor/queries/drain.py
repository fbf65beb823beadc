"""`drain HOST`: lets another host finish its calls and leave, over the database; or tells that a dead one is gone."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Final

from ledger import NS_PER_S, SystemClock
from ledger.durations import format_duration, format_elapsed
from supervisor.database.access import query_connection, query_plan
from supervisor.queries.printing import output
from tasks.errors import EXIT_OK, EXIT_TRY_LATER, EXIT_USAGE, clean
from tasks.store.ledger_row import hosts
from tasks.store.ledger_row.beat_watch import BeatWatch
from tasks.store.ledger_row.statements import TTL_S
from tasks.store.sqlstate import translate

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger import Clock
    from tasks.store.connection import Connection
    from tasks.store.ledger_row.hosts import Host

_LOOK_S: Final = 1.0
LOOKS: Final = (
    600  # a second apart: what is under way is finished or given up within STOP_S, and that is told within 5 s
)


def drain(
    name: str, *, pause: Callable[[float], object] | None = None, looks: int = LOOKS, clock: Clock | None = None
) -> int:
    """Ask every living host of that name to drain, or that of this number, and wait until it has left; the exit code.

    Args:
        name: what the host is called, or its number where no host is called so.
        pause: waits between two looks; in tests something else does.
        looks: after so many it is not waited for any longer.
        clock: of this machine; in tests another one.

    Raises:
        NoRows: there is no database yet.
        ConfigError: the settings cannot be used.
        StoreError: the database does not answer.
    """
    wait, time, beats = pause or threading.Event().wait, clock or SystemClock(), BeatWatch()
    with query_connection(query_plan(), writes=True) as conn, translate():
        named = _named(conn, name)
        if not named:
            known = ", ".join(sorted({one.name for one in hosts.hosts(conn)})) or "none"
            sys.stderr.write(f"sluicegate: no host is called {clean(name)!r}; there are: {known}\n")
            return EXIT_USAGE
        numbers = {one.number for one in named if one.left_at is None}
        if not numbers:
            output.text(f"{name} has left already")
            return EXIT_OK
        for number in numbers:
            hosts.drain(conn, number)
        for _ in range(looks):
            left = [one for one in _named(conn, name) if one.number in numbers and one.left_at is None]
            beats.look(left, time.now_ns() / NS_PER_S)
            for one in left:
                if one.is_dead or beats.unchanged_s(one) > TTL_S:
                    hosts.leave(conn, one.number)
                    silence = format_elapsed(beats.heard(one).silent_s)
                    output.text(f"{name} has been silent for {silence}: it counts as gone from now on")
            if not left:
                output.text(f"{name} has left")
                return EXIT_OK
            wait(_LOOK_S)
    words = f"{name} was told to drain, but has not left after {format_duration(looks * _LOOK_S)}"
    sys.stderr.write(f"sluicegate: {words}: see `sluicegate hosts`\n")
    return EXIT_TRY_LATER


def _named(conn: Connection, name: str) -> list[Host]:
    found = hosts.hosts(conn)
    return [one for one in found if one.name == name] or [one for one in found if str(one.number) == name]

"""Gives back what the workers of dead hosts have in hand: items of the queue, pages and turns.

That a host is dead is noted in the table of hosts, for whoever uses the ledger that it shares: so its leases end too.
Each host looks after the others. Of one that is dead nobody can look into the spool, so what was paid for there and is
not yet in the database may be paid for again; its own replies it writes when it is back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.process import owner_of
from tasks.ingest import held
from tasks.store.ledger_row import hosts
from tasks.store.ledger_row.host_watch import HostWatch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tasks.store.connection import Connection
    from tasks.store.ledger_row.hosts import Host


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """What went back, of the workers of these hosts."""

    hosts: Sequence[str]
    freed: held.Freed


class DeadHosts:
    """The other hosts, as the supervisor of one host looks after them."""

    def __init__(self, number: int, holds_leftovers: Callable[[], bool]) -> None:
        """Look as the host of that number.

        Args:
            number: this host.
            holds_leftovers: whether replies of dead workers wait in this host's spool; those of its own last boot may.
        """
        self._watch = HostWatch(number)
        self._number = number
        self._holds_leftovers = holds_leftovers

    def original(self, found: Sequence[Host]) -> Host | None:
        """The host of whose state directory this host's is a copy, while both beat; None when there is none."""
        return self._watch.original(found)

    def heard(self, found: Sequence[Host]) -> list[Host]:
        """The hosts of the last step, with how long each is silent by this machine's clock."""
        return self._watch.heard(found)

    def step(self, conn: Connection, found: Sequence[Host], now_s: float) -> Released | None:
        """What went back now; None when nothing did.

        Args:
            conn: the database, in autocommit.
            found: all hosts as they are now.
            now_s: when they were read, in seconds by a clock of this machine that nobody sets.

        Raises:
            psycopg.Error: the database does not take it; nothing went back.
        """
        dead = {host.life: host for host in self._watch.dead(found, now_s)}
        if not dead:
            return None
        for host in dead.values():
            if host.left_at is None and not host.is_dead:
                hosts.note_dead(conn, host)
        holders = {name: dead[life] for name in held.holders(conn) if (life := _life_of(name)) in dead}
        mine = {name for name, host in holders.items() if self._is_mine(host, found)}
        if mine and self._holds_leftovers():
            holders = {name: host for name, host in holders.items() if name not in mine}
        if not holders:
            return None
        with conn.transaction():
            freed = held.release(conn, list(holders))
        if not any(freed):  # another host was quicker
            return None
        return Released(hosts=sorted({host.name for host in holders.values()}), freed=freed)

    def _is_mine(self, host: Host, found: Sequence[Host]) -> bool:
        """Whether it was this host, before another boot or in another container."""
        return any(host.state_dir == one.state_dir for one in found if one.number == self._number)


def _life_of(name: str) -> str:
    owner = owner_of(name)
    return "" if owner is None else owner.life

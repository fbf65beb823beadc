"""What a dead worker of this machine had in hand is anybody's again at once, without waiting for its time to run out.

That is: items of the queue, and pages of walks. A turn is looked at by whoever wants it (`tasks.store.stream_locks`).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from ledger import NS_PER_S
from ledger.process import is_dead
from tasks.runtime.job import owner_name
from tasks.store import crawls, stream_locks
from tasks.store.queue import queue

if TYPE_CHECKING:
    from tasks.calls.spool import Spool
    from tasks.ingest.session import Session
    from tasks.runtime.job import Site
    from tasks.store.connection import Connection

LOOK_EVERY_NS: Final = 30 * NS_PER_S
# By then an item was alone in its request a dozen times (`pace.attempt_limit`); kills that strike at random do not
# find the same one as often.
MOST_DEATHS: Final = 20


class Orphans:
    """Looks for such things. Every worker does, whatever its role: both take both, and either may run alone."""

    def __init__(self, site: Site, session: Session, spool: Spool) -> None:
        self._site = site
        self._session = session
        self._spool = spool
        self._look_ns = 0

    def step(self) -> int:
        """How many items and pages went back; 0 as well when they were looked for a moment ago. Own turns are kept.

        Raises:
            StoreError: the database does not answer.
        """
        now_ns = self._site.clock.now_ns()
        if now_ns < self._look_ns:
            return 0
        self._look_ns = now_ns + LOOK_EVERY_NS
        self._session.run(partial(stream_locks.renew_locks, owner=owner_name(self._site)))
        return self._release()

    def _release(self) -> int:
        """Nothing goes back while a dead worker's reply lies in the spool: it may answer just these items.

        The dead are found first: whoever is dead by then has put its last reply where the look at the spool finds it.
        """
        dead = [name for name in self._session.run(_holders) if is_dead(name)]
        if not dead or self._spool.holds_leftovers():
            return 0
        items, pages = self._session.run(partial(_release, owners=dead))
        self._site.log.info("released", items=items, pages=pages)
        return items + pages


def _holders(connection: Connection) -> list[str]:
    return sorted({*queue.owners(connection), *crawls.askers(connection)})


def _release(connection: Connection, owners: list[str]) -> tuple[int, int]:
    items = sum(queue.release_owner(connection, owner, max_deaths=MOST_DEATHS) for owner in owners)
    return items, sum(crawls.forget(connection, owner) for owner in owners)

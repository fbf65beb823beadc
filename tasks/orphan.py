"""Queue items that a dead worker of this machine holds go back at once, without waiting for their leases to run out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tasks.owner import Owner
from tasks.store import queue

if TYPE_CHECKING:
    from tasks.job import Site
    from tasks.session import Session
    from tasks.spool import Spool


def release(site: Site, session: Session, spool: Spool) -> int:
    """How many items went back.

    Nothing is done while a reply lies in the spool: it may answer just these items, and they would be paid for twice.

    Raises:
        StoreError: the database does not answer.
    """
    if spool.size_bytes():
        return 0
    count = 0
    for name in session.run(queue.owners):
        if _is_dead(name):
            count += session.run(partial(queue.release_owner, owner=name))
    if count:
        site.log.info("items_released", items=count)
    return count


def _is_dead(name: str) -> bool:
    """Whether the process in an owner's name ran in this boot of this machine and runs no more."""
    try:
        owner = Owner.parse(name.rpartition("@")[2])
    except ValueError:
        return False
    return owner.boot == Owner.this().boot and not owner.is_alive()

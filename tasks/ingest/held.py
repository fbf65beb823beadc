"""What workers have in hand: items of the queue, pages of walks, turns; and how it becomes anybody's again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ledger.process import boot_name, is_dead, owner_of
from tasks.store import crawls, turns
from tasks.store.queue import queue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.settings import WorkerSettings
    from tasks.store.connection import Connection

# By then an item was alone in its request a dozen times (`tasks.planning.pacing.attempt_limit`); kills that strike at
# random do not find the same one as often.
MAX_DEATHS: Final = 20


class Freed(NamedTuple):
    """How much became anybody's again."""

    items: int
    pages: int
    turns: int


def holders(conn: Connection) -> list[str]:
    """Everybody who has an item, a page or a turn in hand."""
    return sorted({*queue.owners(conn), *crawls.page_owners(conn), *turns.owners(conn)})


def is_ours_and_dead(name: str, settings: WorkerSettings) -> bool:
    """Whether that worker was one of this host's and is dead. Its replies lie in our spool, so we may give back.

    Where nobody else reaches the database, a worker of this host that is of another boot is of an earlier one.
    """
    owner = owner_of(name)
    if owner is None or owner.host not in {"", settings.host_id}:
        return False
    is_earlier = settings.is_alone and owner.host != "" and owner.boot != boot_name()
    return is_earlier or is_dead(name)


def release(conn: Connection, owners: Sequence[str]) -> Freed:
    """Give back what these dead owners had in hand."""
    pages = crawls.release_pages(conn, owners)
    items = sum(queue.release_owner(conn, owner, max_deaths=MAX_DEATHS) for owner in sorted(owners))
    return Freed(items, pages, turns.release_turns(conn, owners))

"""What workers have in hand: items of the queue, and pages of walks; and how it becomes anybody's again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.store import crawls
from tasks.store.queue import queue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.store.connection import Connection

# By then an item was alone in its request a dozen times (`tasks.planning.pacing.attempt_limit`); kills that strike at
# random do not find the same one as often.
MAX_DEATHS: Final = 20


def holders(conn: Connection) -> list[str]:
    """Everybody who has an item or a page in hand."""
    return sorted({*queue.owners(conn), *crawls.page_owners(conn)})


def release(conn: Connection, owners: Sequence[str]) -> tuple[int, int]:
    """Give back what these dead owners had in hand; how many items and how many pages."""
    items = sum(queue.release_owner(conn, owner, max_deaths=MAX_DEATHS) for owner in owners)
    return items, sum(crawls.release_pages(conn, owner) for owner in owners)

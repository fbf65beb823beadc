"""Deletes now, step after step, all that the settings keep no longer."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from tasks.maintenance.duties import passes
from tasks.store.duties.state import OwnProgress
from tasks.store.retention import calls, quarantine, walks
from tasks.store.retention.passes import BATCH, STRETCH

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tasks.store.connection import Connection
    from tasks.store.duties.duty import Step
    from tasks.store.retention.keep import Keep


def prune(
    conn: Connection,
    keep: Keep,
    on_step: Callable[[Mapping[str, int]], None],
    *,
    stretch: int = STRETCH,
    batch: int = BATCH,
) -> Counter[str]:
    """Delete it; rows by table. Each step is a transaction of its own, and workers may write meanwhile.

    It does not wait as the duties do until deals were looked for again after a long gap: somebody asked for it.

    Args:
        conn: a connection outside of any transaction.
        keep: the settings.
        on_step: called after each step with the rows that are gone so far, by table.
        stretch: keys that a step looks at.
        batch: keys of which it deletes rows.

    Raises:
        Error: a step failed, and changed nothing; the steps before it stay done.
    """
    gone: Counter[str] = Counter()

    def all_of(step: Callable[[], Step]) -> None:
        has_more = True
        while has_more:
            with conn.transaction():
                done = step()
            has_more = done.has_more
            gone.update(done.gone)
            on_step(gone)

    now = datetime.now(UTC)
    all_of(partial(calls.step, conn, keep, now))
    all_of(partial(quarantine.step, conn, keep, now))
    for _, where, step in passes(keep, lambda _name: OwnProgress(), stretch=stretch, batch=batch):
        with conn.transaction():
            until = walks.walked_until(conn, now)
        all_of(partial(step, conn, keep, where, now, until))
    return gone

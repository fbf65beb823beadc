"""`queue`: shows the products to fetch by selection; `queue drop` removes those that no selection asks for."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ledger.localtime import near
from supervisor.database.access import query_connection, query_plan
from supervisor.queries import output
from supervisor.queries.output import Column
from tasks.errors import EXIT_OK
from tasks.keepa.locales import shop
from tasks.planning import streams
from tasks.store.queue import counts, leftovers

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from tasks.planning.streams import Stream
    from tasks.store.connection import Connection
    from tasks.store.queue.leftovers import QueuedStream

_COLUMNS: Final = (
    Column("selection"), Column("shop"), Column("waiting", is_number=True), Column("taken", is_number=True),
    Column("since"), Column(""),
)  # fmt: skip
_LEFT: Final = "no longer in the settings"


def show(chosen: argparse.Namespace) -> int:
    """Print the queue by selection and locale; the exit code.

    Raises:
        NoRows: there is no database yet.
        ConfigError: the settings cannot be used.
        StoreError: the database does not answer.
    """
    with _connected() as (conn, targets):
        found = leftovers.queued_streams(conn, streams.wanted_streams(targets))
        is_estimate = counts.are_estimates(conn)
    if chosen.json:
        told = [asdict(one) | {"selection": _name(one, targets)} for one in found]
        output.as_json(queue=told, is_estimate=is_estimate)
        return EXIT_OK
    if not found:
        output.text("the queue is empty")
        return EXIT_OK
    now = datetime.now(UTC)
    output.table(
        _COLUMNS,
        [
            (
                _name(one, targets) or one.selection_key or "not known",
                shop(one.domain),
                f"{one.pending:,}",
                f"{one.leased:,}",
                near(one.since, now),
                "" if one.is_chosen else _LEFT,
            )
            for one in found
        ],
    )
    left = sum(one.pending for one in found if not one.is_chosen)
    if left:
        output.text(f"{left:,} are no longer fetched or counted: `sluicegate queue drop` removes them")
    if is_estimate:
        output.text("these are estimates: somebody changed the queue by other means than Sluicegate")
    return EXIT_OK


def drop(chosen: argparse.Namespace) -> int:
    """Remove products that no selection of the settings asks for; the exit code.

    Raises:
        NoRows: there is no database yet.
        ConfigError: the settings cannot be used.
        StoreError: the database does not answer.
    """
    with _connected(writes=True) as (conn, targets), conn.transaction():
        count = leftovers.drop(conn, streams.wanted_streams(targets))
    if chosen.json:
        output.as_json(dropped=count)
    else:
        output.text(f"{count:,} products were removed from the queue")
    return EXIT_OK


@contextmanager
def _connected(*, writes: bool = False) -> Iterator[tuple[Connection, tuple[Stream, ...]]]:
    """A connection to the database in use, and the streams of the settings."""
    plan = query_plan()
    with query_connection(plan, writes=writes) as conn:
        yield conn, streams.streams(plan.settings.loaded_selections, plan.settings.keepa_domains)


def _name(one: QueuedStream, targets: tuple[Stream, ...]) -> str | None:
    """The name of the selection; None when it is no longer in the settings, or is not known."""
    return next((known.selection.name for known in targets if known.key == one.selection_key), None)

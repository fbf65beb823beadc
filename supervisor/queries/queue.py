"""`queue`: shows the products to fetch by selection; `queue drop` removes those that no selection asks for."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ledger.localtime import near
from supervisor.config import readable
from supervisor.database.access import query_connection, query_plan
from supervisor.queries.printing import output
from supervisor.queries.printing.output import Column, Output
from supervisor.queries.selection_names import selection_names
from tasks.errors import EXIT_OK
from tasks.keepa.locales import shop
from tasks.planning import streams
from tasks.store import asker_names
from tasks.store.queue import counts, leftovers
from tasks.store.queue.leftovers import QueuedStream

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from supervisor.config.settings import Settings
    from tasks.store.connection import Connection

_COLUMNS: Final = (
    Column("selection"), Column("shop"), Column("waiting", is_number=True), Column("taken", is_number=True),
    Column("since"), Column(""),
)  # fmt: skip
_LEFT: Final = "no longer in the settings"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedOutput(QueuedStream):
    """What waits of one stream; `selection` is the name of what asks for it, null when that is not known."""

    selection: str | None


class QueueOutput(Output, frozen=True, kw_only=True):
    """The queue by selection and locale; `is_estimate` when its sums are not exact."""

    queue: tuple[QueuedOutput, ...]
    is_estimate: bool


class DroppedOutput(Output, frozen=True, kw_only=True):
    """How many products `queue drop` removed."""

    dropped: int


def show(chosen: argparse.Namespace) -> int:
    """Print the queue by selection and locale; the exit code.

    Raises:
        NoRows: there is no database yet.
        ConfigError: the settings cannot be used.
        StoreError: the database does not answer.
    """
    with _connected() as (conn, settings):
        names = selection_names(conn, settings)
        lists = _lists(settings)
        found = leftovers.queued_streams(conn, streams.wanted_streams(names.in_use, lists))
        is_estimate = counts.are_estimates(conn)
        called = {**asker_names.former(conn), **names.by_key(), **lists}
    if chosen.json:
        told = (QueuedOutput(**asdict(one), selection=called.get(one.selection_key or "")) for one in found)
        output.as_json(QueueOutput(queue=tuple(told), is_estimate=is_estimate))
        return EXIT_OK
    if not found:
        output.text("the queue is empty")
        return EXIT_OK
    now = datetime.now(UTC)
    output.table(
        _COLUMNS,
        [
            (
                called.get(one.selection_key or "") or one.selection_key or "not known",
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
    with _connected(writes=True) as (conn, settings), conn.transaction():
        targets = streams.streams(settings.loaded_selections, settings.keepa_domains)
        count = leftovers.drop(conn, streams.wanted_streams(targets, _lists(settings)))
    if chosen.json:
        output.as_json(DroppedOutput(dropped=count))
    else:
        output.text(f"{count:,} products were removed from the queue")
    return EXIT_OK


@contextmanager
def _connected(*, writes: bool = False) -> Iterator[tuple[Connection, Settings]]:
    """A connection to the database in use, and the settings."""
    plan = query_plan()
    if writes:
        readable.require_whole(plan.settings, "loaded_selections", "loaded_sources", "loaded_lists")
    with query_connection(plan, writes=writes) as conn:
        yield conn, plan.settings


def _lists(settings: Settings) -> dict[str, str]:
    """What else than selections puts products into the queue, by its key: sources, and own lists."""
    sources = {one.key: one.name for one in streams.sources_of(settings.loaded_sources)}
    return sources | {watch.key: f"list {watch.name}" for watch in settings.loaded_lists}

"""`db size`: what takes the room in the database, what a year adds, and what each setting would free."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from supervisor.database.access import query_connection, query_plan
from supervisor.database.in_force import overrides
from supervisor.database.maintenance import keep_of
from supervisor.queries.db import size_text as db_size_text
from supervisor.queries.db.size_output import (
    FreedOutput,
    GrowthOutput,
    ProductRoom,
    SelectionRoom,
    SizeOutput,
    TableRoom,
    YearOutput,
)
from supervisor.queries.printing import output
from supervisor.queries.selection_names import selection_names
from tasks.errors import EXIT_OK
from tasks.store.retention import estimate, free_room, pace, sizes, walks

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping

    from supervisor.config.run_plan import RunPlan
    from supervisor.config.settings import Settings
    from tasks.store.connection import Connection
    from tasks.store.retention.keep import Keep
    from tasks.store.retention.sizes import TableSize

_OF_SELECTION: Final = ("deal_rows", "deal_sightings", "fetch_queue", *estimate.OF_PRODUCT.values())


def show(chosen: argparse.Namespace) -> int:
    """Print it; the exit code.

    Raises:
        NoRows: there is no database yet.
        ConfigError: the settings cannot be used.
        StoreError: the database does not answer.
    """
    plan = query_plan()
    keep = asked(in_force(plan), chosen.keep)
    with query_connection(plan) as conn:
        found = _measure(conn, keep, plan.settings)
    if chosen.json:
        output.as_json(found)
    else:
        db_size_text.show(found)
    return EXIT_OK


def in_force(plan: RunPlan) -> Keep:
    """How long rows are kept now: the settings, and over them what a running supervisor was told by `set`."""
    keep = keep_of(plan.settings)
    names = {setting_name(field) for field in keep._fields}
    return asked(keep, [(name, int(text)) for name, text in overrides(plan).items() if name in names])


def asked(keep: Keep, given: Iterable[tuple[str, int]]) -> Keep:
    """The settings, with those that were given on the command line in place of them."""
    return keep._replace(**{name.lower().replace("_keep_d", "_d"): days for name, days in given})


def setting_name(field: str) -> str:
    """What people call a field of `Keep`."""
    return f"{field.removesuffix('_d')}_keep_d".upper()


def _measure(conn: Connection, keep: Keep, settings: Settings) -> SizeOutput:
    """Everything that is told."""
    now = datetime.now(UTC)
    tables = sizes.table_sizes(conn)
    free = free_room.free_room(conn, tables)
    reckoned = pace.year(conn, tables, now)
    return SizeOutput(
        bytes=sum(table.total for table in tables.values()),
        free_bytes=sum(free.values()),
        database_bytes=sizes.database_bytes(conn),
        wal_bytes=sizes.wal_bytes(conn),
        tables={
            table.name: TableRoom(
                rows=table.rows,
                is_estimate=table.is_estimate,
                bytes=table.total,
                heap=table.heap,
                indexes=table.indexes,
                toast=table.toast,
                free=free.get(table.name),
            )
            for table in tables.values()
        },
        product=_product(tables),
        selections=_selections(conn, tables, settings),
        year=None
        if reckoned is None
        else YearOutput(
            reckoned_from_days=round(reckoned[0].total_seconds() / 86_400, 2),
            bytes=sum(one.bytes for one in reckoned[1].values()),
            kinds={kind: GrowthOutput(rows=one.rows, bytes=one.bytes) for kind, one in reckoned[1].items()},
        ),
        deletes_from=walks.judged_from(conn, now),
        settings=freed_by(conn, tables, keep, now),
    )


def freed_by(conn: Connection, tables: Mapping[str, TableSize], keep: Keep, now: datetime) -> dict[str, FreedOutput]:
    """What each setting would free now, by its name."""
    freed = estimate.due(conn, tables, keep, now, walks.walked_until(conn, now))
    return {
        setting_name(field): FreedOutput(
            days=days,
            rows=dict(freed[field].rows),
            bytes=freed[field].bytes,
            is_estimate=freed[field].is_estimate,
        )
        for field, days in keep._asdict().items()
    }


def _product(tables: Mapping[str, TableSize]) -> ProductRoom:
    """What one product takes on the mean, in each of its tables."""
    count = tables["products"].rows
    parts = {name: round(tables[table].total / count) if count else 0 for name, table in estimate.OF_PRODUCT.items()}
    return ProductRoom(products=count, bytes=sum(parts.values()), tables=parts)


def _selections(conn: Connection, tables: Mapping[str, TableSize], settings: Settings) -> tuple[SelectionRoom, ...]:
    """Which selections listed the products last, as the queue has it, and the room that such a share of them takes."""
    names = selection_names(conn, settings)
    called = names.by_key()
    whole = sum(tables[name].total for name in _OF_SELECTION)
    return tuple(
        SelectionRoom(
            selection=called.get(key or ""),
            selection_key=key,
            is_in_use=None if key is None else names.is_in_use(key),
            domain=domain,
            share=round(share, 4),
            bytes=round(share * whole),
        )
        for key, domain, share in sizes.queue_shares(conn, tables["fetch_queue"])
    )

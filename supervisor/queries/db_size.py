"""`db size`: what takes the room in the database, what a year adds, and what each setting would free."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from supervisor import report
from supervisor.database.access import query_connection, query_plan
from supervisor.database.maintenance import keep_of
from supervisor.queries import output
from supervisor.queries.output import Column, size
from supervisor.queries.selection_names import selection_names
from tasks.errors import EXIT_OK
from tasks.keepa.locales import shop
from tasks.store.retention import estimate, pace, sizes, walks

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping

    from supervisor.config.run_plan import RunPlan
    from supervisor.config.settings import Settings
    from tasks.store.connection import Connection
    from tasks.store.retention.keep import Keep
    from tasks.store.retention.sizes import TableSize

_COLUMNS: Final = (
    Column("table"), Column("rows", is_number=True), Column("in all", is_number=True),
    Column("rows' own", is_number=True), Column("indexes", is_number=True), Column("long values", is_number=True),
)  # fmt: skip
_SETTING_COLUMNS: Final = (
    Column("setting"), Column("days", is_number=True), Column("would free", is_number=True), Column("rows"),
)  # fmt: skip
_SELECTION_COLUMNS: Final = (
    Column("selection"), Column("shop"), Column("share", is_number=True), Column("bytes", is_number=True), Column(""),
)  # fmt: skip
_SHOWN_FROM: Final = 64 * 1024  # bytes; smaller tables are summed up
_OF_SELECTION: Final = ("deal_rows", "deal_sightings", "fetch_queue", *estimate.OF_PRODUCT.values())
_DISK: Final = "The room of deleted rows is used again; only VACUUM FULL gives it back to the disk."


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
        output.as_json(**found)
    else:
        _print(found)
    return EXIT_OK


def in_force(plan: RunPlan) -> Keep:
    """How long rows are kept now: the settings, and over them what a running supervisor was told by `set`."""
    keep, last = keep_of(plan.settings), report.read(plan.state.status)
    if last is None or last.supervisor.pid != plan.state.lock.holder():
        return keep
    names = {setting_name(field) for field in keep._fields}
    return asked(keep, [(name, int(text)) for name, text in last.overrides.items() if name in names])


def asked(keep: Keep, given: Iterable[tuple[str, int]]) -> Keep:
    """The settings, with those that were given on the command line in place of them."""
    return keep._replace(**{name.lower().replace("_keep_d", "_d"): days for name, days in given})


def setting_name(field: str) -> str:
    """What people call a field of `Keep`."""
    return f"{field.removesuffix('_d')}_keep_d".upper()


def _measure(conn: Connection, keep: Keep, settings: Settings) -> dict[str, Any]:
    """Everything that is told, as JSON has it."""
    now = datetime.now(UTC)
    tables = sizes.table_sizes(conn)
    reckoned = pace.year(conn, tables, now)
    return {
        "bytes": sum(table.total for table in tables.values()),
        "database_bytes": sizes.database_bytes(conn),
        "tables": {
            table.name: {
                "rows": table.rows,
                "is_estimate": table.is_estimate,
                "bytes": table.total,
                "heap": table.heap,
                "indexes": table.indexes,
                "toast": table.toast,
            }
            for table in tables.values()
        },
        "product": _product(tables),
        "selections": _selections(conn, tables, settings),
        "year": None
        if reckoned is None
        else {
            "reckoned_from_days": round(reckoned[0].total_seconds() / 86_400, 2),
            "bytes": sum(one.bytes for one in reckoned[1].values()),
            "kinds": {kind: one._asdict() for kind, one in reckoned[1].items()},
        },
        "settings": freed_by(conn, tables, keep, now),
    }


def freed_by(conn: Connection, tables: Mapping[str, TableSize], keep: Keep, now: datetime) -> dict[str, dict[str, Any]]:
    """What each setting would free now, by its name, as JSON has it."""
    freed = estimate.due(conn, tables, keep, now, walks.walked_until(conn, now))
    return {setting_name(field): {"days": days, **freed[field]._asdict()} for field, days in keep._asdict().items()}


def _product(tables: Mapping[str, TableSize]) -> dict[str, Any]:
    """What one product takes on the mean, in each of its tables."""
    count = tables["products"].rows
    parts = {name: round(tables[table].total / count) if count else 0 for name, table in estimate.OF_PRODUCT.items()}
    return {"products": count, "bytes": sum(parts.values()), "tables": parts}


def _selections(conn: Connection, tables: Mapping[str, TableSize], settings: Settings) -> list[dict[str, Any]]:
    """Which selections listed the products last, as the queue has it, and the room that such a share of them takes."""
    names = selection_names(conn, settings)
    called = names.by_key()
    whole = sum(tables[name].total for name in _OF_SELECTION)
    return [
        {
            "selection": called.get(str(key)),
            "selection_key": key,
            "is_in_use": None if key is None else names.is_in_use(str(key)),
            "domain": domain,
            "share": round(share, 4),
            "bytes": round(share * whole),
        }
        for (key, domain), share in sizes.shares(conn, tables["fetch_queue"], ("selection_key", "domain"))
    ]


def _print(found: Mapping[str, Any]) -> None:
    _print_tables(found["tables"], found["bytes"])
    output.text("", f"The whole database takes {size(found['database_bytes'])}.", _DISK)
    product = found["product"]
    if product["products"]:
        parts = ", ".join(f"{name} {size(count)}" for name, count in product["tables"].items())
        output.text("", f"A product takes {size(product['bytes'])} on the mean of {product['products']:,}: {parts}.")
    _print_selections(found["selections"])
    year = found["year"]
    if year is None:
        output.text("", "What a year adds is known once the database is an hour old.")
    else:
        kinds = ", ".join(f"{kind} {size(one['bytes'])}" for kind, one in year["kinds"].items())
        output.text(
            "",
            f"A year at the pace of the last {year['reckoned_from_days']:g} days adds about {size(year['bytes'])}: "
            f"{kinds}.",
        )
    output.text("")
    output.table(
        _SETTING_COLUMNS,
        [
            (name, f"{one['days'] or 'for ever'}", size(one["bytes"]), rows_in_words(one["rows"], one["is_estimate"]))
            for name, one in found["settings"].items()
        ],
    )
    output.text("Give NAME=DAYS to see what another value would free. ~ is an estimate.")


def _print_tables(tables: Mapping[str, Mapping[str, Any]], total: int) -> None:
    shown = {name: one for name, one in tables.items() if one["bytes"] >= _SHOWN_FROM}
    rest: Counter[str] = Counter()
    for name, one in tables.items():
        if name not in shown:
            rest.update({key: one[key] for key in ("rows", "bytes", "heap", "indexes", "toast")})
    lines = [_line(name, one) for name, one in shown.items()]
    lines += [_line(f"{len(tables) - len(shown)} more", rest)] if rest else []
    output.table(_COLUMNS, [*lines, ("all tables", "", size(total), "", "", "")])


def _line(name: str, one: Mapping[str, Any]) -> tuple[str, ...]:
    about = "~" if one.get("is_estimate") else ""
    sizes_ = (size(one[key]) for key in ("bytes", "heap", "indexes", "toast"))
    return (name, f"{about}{one['rows']:,}", *sizes_)


def _print_selections(selections: Iterable[Mapping[str, Any]]) -> None:
    rows = [
        (
            one["selection"] or one["selection_key"] or "not known",
            shop(one["domain"]),
            f"{one['share']:.1%}",
            size(one["bytes"]),
            "no longer in the settings" if one["is_in_use"] is False else "",
        )
        for one in selections
    ]
    if rows:
        output.text("")
        output.table(_SELECTION_COLUMNS, rows)
        output.text("Deals and products count for the selection that listed them last, as far as the queue knows.")


def rows_in_words(rows: Mapping[str, int], is_estimate: bool) -> str:  # noqa: FBT001 - it goes with the rows
    """Rows by table, for a person."""
    about = "~" if is_estimate else ""
    return ", ".join(f"{about}{count:,} of {table}" for table, count in rows.items() if count) or "nothing"

"""What `db size` has measured, as text."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ledger.localtime import near
from supervisor.queries.db.size_output import TableRoom
from supervisor.queries.printing import output
from supervisor.queries.printing.output import Column
from supervisor.queries.printing.plain_text import size
from tasks.keepa.locales import shop

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from supervisor.queries.db.size_output import SelectionRoom, SizeOutput

_COLUMNS: Final = (
    Column("table"), Column("rows", is_number=True), Column("in all", is_number=True),
    Column("rows' own", is_number=True), Column("indexes", is_number=True), Column("long values", is_number=True),
    Column("free", is_number=True),
)  # fmt: skip
_SETTING_COLUMNS: Final = (
    Column("setting"), Column("days", is_number=True), Column("would free", is_number=True), Column("rows"),
)  # fmt: skip
_SELECTION_COLUMNS: Final = (
    Column("selection"), Column("shop"), Column("of the queue", is_number=True), Column("bytes", is_number=True),
    Column(""),
)  # fmt: skip
_SHOWN_FROM: Final = 64 * 1024  # bytes; smaller tables are summed up
_BY_AGE: Final = ("DEALS_KEEP_D", "HISTORY_KEEP_D", "QUEUE_KEEP_D")
_DISK: Final = "The room of deleted rows is used again; only VACUUM FULL gives it back to the disk."


def show(found: SizeOutput) -> None:
    """Print it."""
    _print_tables(found.tables, found.bytes)
    output.text("", *_whole(found))
    product = found.product
    if product.products:
        parts = ", ".join(f"{name} {size(count)}" for name, count in product.tables.items())
        output.text("", f"A product takes {size(product.bytes)} on the mean of {product.products:,}: {parts}.")
    _print_selections(found.selections)
    year = found.year
    if year is None:
        output.text("", "What a year adds is known once the database is an hour old.")
    else:
        kinds = ", ".join(f"{kind} {size(one.bytes)}" for kind, one in year.kinds.items())
        output.text(
            "",
            f"A year at the pace of the last {year.reckoned_from_days:g} days adds about {size(year.bytes)}: {kinds}.",
        )
    output.text("")
    output.table(
        _SETTING_COLUMNS,
        [
            (name, f"{one.days or 'for ever'}", size(one.bytes), rows_in_words(one.rows, one.is_estimate))
            for name, one in found.settings.items()
        ],
    )
    output.text(*_from_when(found), "Give NAME=DAYS to see what another value would free. ~ is an estimate.")


def _whole(found: SizeOutput) -> Iterable[str]:
    wal = found.wal_bytes
    log = "" if wal is None else f", and the server's log of changes (WAL) {size(wal)} beside it"
    yield f"The whole database takes {size(found.database_bytes)}{log}."
    yield f"About {size(found.free_bytes)} in the tables is free, indexes apart. {_DISK}"


def _from_when(found: SizeOutput) -> Iterable[str]:
    """From when on rows go by themselves, while that is to come, and there is a setting by which they would."""
    names = " and ".join(name for name in _BY_AGE if found.settings[name].days)
    begins, now = found.deletes_from, datetime.now(UTC)
    if not names or (begins is not None and begins <= now):
        return
    when = "a week after the first walk with this build" if begins is None else f"at {near(begins, now)}"
    yield f"The supervisor begins to delete by {names} {when}; `sluicegate db prune` does so at once."


def _print_tables(tables: Mapping[str, TableRoom], total: int) -> None:
    shown = {name: one for name, one in tables.items() if one.bytes >= _SHOWN_FROM}
    rest = [one for name, one in tables.items() if name not in shown]
    lines = [_line(name, one) for name, one in shown.items()]
    lines += [_line(f"{len(rest)} more", _sum(rest))] if rest else []
    output.table(_COLUMNS, [*lines, ("all tables", "", size(total), "", "", "", "")])


def _sum(tables: Sequence[TableRoom]) -> TableRoom:
    return TableRoom(
        rows=sum(one.rows for one in tables),
        is_estimate=False,
        bytes=sum(one.bytes for one in tables),
        heap=sum(one.heap for one in tables),
        indexes=sum(one.indexes for one in tables),
        toast=sum(one.toast for one in tables),
        free=sum(one.free or 0 for one in tables),
    )


def _line(name: str, one: TableRoom) -> tuple[str, ...]:
    about = "~" if one.is_estimate else ""
    sizes = (size(part) for part in (one.bytes, one.heap, one.indexes, one.toast))
    return (name, f"{about}{one.rows:,}", *sizes, "?" if one.free is None else f"~{size(one.free)}")


def _print_selections(selections: Iterable[SelectionRoom]) -> None:
    rows = [
        (
            one.selection or one.selection_key or "not known",
            shop(one.domain),
            f"{one.share:.1%}",
            size(one.bytes),
            "no longer in the settings" if one.is_in_use is False else "",
        )
        for one in selections
    ]
    if rows:
        output.text("")
        output.table(_SELECTION_COLUMNS, rows)
        output.text(
            "A selection has the part of the queue that it listed last; its bytes are as large a part of all deals and "
            "products."
        )


def rows_in_words(rows: Mapping[str, int], is_estimate: bool) -> str:  # noqa: FBT001 - it goes with the rows
    """Rows by table, for a person."""
    about = "~" if is_estimate else ""
    return ", ".join(f"{about}{count:,} of {table}" for table, count in rows.items() if count) or "nothing"

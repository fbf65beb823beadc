"""`db partition`: moves the large tables of a living database into partitions, or says what that would take."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import UNSET, UnsetType

from ledger import SystemClock
from supervisor.database.access import query_connection, query_plan
from supervisor.queries.printing import output
from supervisor.queries.printing.output import Column, Output
from supervisor.queries.printing.plain_text import size
from tasks.errors import EXIT_OK, ConfigError
from tasks.store.partitions import layout, tables
from tasks.store.partitions.move import Move, begun
from tasks.store.retention import sizes

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from supervisor.config.run_plan import RunPlan
    from tasks.store.connection import Connection
    from tasks.store.partitions.move import Progress
    from tasks.store.retention.sizes import TableSize

_COLUMNS: Final = (Column("table"), Column("rows", is_number=True), Column("room needed", is_number=True))
_BLANK: Final = 79
_DOING: Final = {"copy": "copied", "compare": "compared with their copies", "swap": "compared with their copies"}
_ALREADY: Final = "the tables are in partitions already"


class TableToMove(msgspec.Struct, frozen=True, kw_only=True):
    """A table that would be moved: its rows, and the room that its copy takes."""

    rows: int
    bytes: int


class PartitionOutput(Output, frozen=True, kw_only=True):
    """What `db partition` did, or would do; what the order does not need is not there.

    Attributes:
        moved: whether this command moved the tables; `is_parted` whether they are in partitions now.
        partitions: how many each table has, or would have.
        rows: of each table that was moved.
        under_way: into how many partitions a move was begun; null when none was.
        needed_bytes: room that the copies take; `free_bytes` is there of the embedded database alone, else null.
        abandoned: whether there was a move to break off.
    """

    moved: bool | UnsetType = UNSET
    is_parted: bool | UnsetType = UNSET
    partitions: int | UnsetType = UNSET
    rows: dict[str, int] | UnsetType = UNSET
    under_way: int | UnsetType | None = UNSET
    needed_bytes: int | UnsetType = UNSET
    free_bytes: int | UnsetType | None = UNSET
    tables: dict[str, TableToMove] | UnsetType = UNSET
    abandoned: bool | UnsetType = UNSET


def run(chosen: argparse.Namespace) -> int:
    """Move them, or do what was asked in place of that; the exit code.

    Raises:
        NoRows: there is no database yet.
        ConfigError: the settings cannot be used, there is too little room, or something hangs on the tables that would
            not go along.
        StoreError: the database does not answer, or others have the tables in hand; what was done stays.
    """
    plan = query_plan()
    with query_connection(plan, writes=True) as conn:
        move = Move(conn, SystemClock(), parts=chosen.partitions)
        if chosen.abandon:
            return _abandon(move, as_json=chosen.json)
        with conn.transaction():
            is_done, under_way = layout.are_parted(conn), begun(conn)
            found = {name: one for name, one in sizes.table_sizes(conn).items() if name in tables.KEYS}
        if is_done:
            _tell(_ALREADY, PartitionOutput(moved=False, is_parted=True), as_json=chosen.json)
            return EXIT_OK
        free = None if plan.database is None else shutil.disk_usage(plan.state.postgres).free
        if chosen.dry_run:
            move.rehearse()
            _describe(found, chosen.partitions, under_way, free, as_json=chosen.json)
            return EXIT_OK
        if under_way is None:
            _require_room(plan, _room(found), free)
        return _move(move, conn, as_json=chosen.json)


def _move(move: Move, conn: Connection, *, as_json: bool) -> int:
    shows_progress = sys.stderr.isatty()

    def on_step(done: Progress) -> None:
        if shows_progress:
            words = f"{done.rows:,} rows of {done.table} {_DOING[done.phase]}"
            sys.stderr.write(f"\r{words}"[:_BLANK].ljust(_BLANK))
            sys.stderr.flush()

    is_moved = move.run(on_step)
    if shows_progress:
        sys.stderr.write("\r" + " " * _BLANK + "\r")
    with conn.transaction():
        found = {name: one for name, one in sizes.table_sizes(conn).items() if name in tables.KEYS}
    words = f"{', '.join(tables.KEYS)} are in {move.parts} partitions each now" if is_moved else _ALREADY
    rows = {name: one.rows for name, one in found.items()}
    told = PartitionOutput(moved=is_moved, is_parted=True, partitions=move.parts, rows=rows)
    _tell(words, told, as_json=as_json)
    return EXIT_OK


def _abandon(move: Move, *, as_json: bool) -> int:
    was_begun = move.abandon()
    words = "what was copied is gone, and the tables are as they were" if was_begun else "nothing was begun"
    _tell(words, PartitionOutput(abandoned=was_begun), as_json=as_json)
    return EXIT_OK


def _describe(
    found: Mapping[str, TableSize], parts: int, under_way: int | None, free: int | None, *, as_json: bool
) -> None:
    needed = _room(found)
    if as_json:
        output.as_json(
            PartitionOutput(
                moved=False,
                is_parted=False,
                partitions=parts,
                under_way=under_way,
                needed_bytes=needed,
                free_bytes=free,
                tables={name: TableToMove(rows=one.rows, bytes=one.total) for name, one in found.items()},
            )
        )
        return
    output.table(_COLUMNS, [(one.name, f"{one.rows:,}", size(one.total)) for one in found.values()])
    output.text(
        f"In {parts} partitions each, the tables need about {size(needed)} more until the end, and as much for the log "
        "of changes (WAL) where that is archived or replicated."
    )
    if free is not None:
        output.text(f"The disk of the embedded database has {size(free)}.")
    if under_way is not None:
        output.text(f"A move to {under_way} partitions is under way: the command without --dry-run goes on with it.")
    output.text("Nothing hangs on the tables that would not go along: it was tried with a row of each, and taken back.")


def _room(found: Mapping[str, TableSize]) -> int:
    """Bytes that the copies take: those of the tables, of which each row is there twice at the end."""
    return sum(one.total for one in found.values())


def _require_room(plan: RunPlan, needed: int, free: int | None) -> None:
    """Return if the copies fit.

    Raises:
        ConfigError: they do not.
    """
    if free is not None and free < needed:
        raise ConfigError(
            f"the disk of {plan.state.postgres} has {size(free)}, and the tables need {size(needed)} more until the "
            "end: make room, or keep less (`sluicegate db size` says what each setting would free)"
        )


def _tell(words: str, told: PartitionOutput, *, as_json: bool) -> None:
    if as_json:
        output.as_json(told)
    else:
        output.text(words)

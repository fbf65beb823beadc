"""`db prune`: deletes now what the settings keep no longer, or says what that is."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from supervisor.database.access import query_connection, query_plan
from supervisor.queries.db.size import asked, freed_by, in_force
from supervisor.queries.db.size_output import FreedOutput
from supervisor.queries.db.size_text import rows_in_words
from supervisor.queries.printing import output
from supervisor.queries.printing.output import Output
from supervisor.queries.printing.plain_text import size
from tasks.errors import EXIT_OK, EXIT_USAGE
from tasks.maintenance.prune import prune
from tasks.store.retention import sizes
from tasks.store.retention.keep import TABLES, Keep

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from supervisor.config.run_plan import RunPlan

_FOR_EVER: Final = "every setting says for ever, so nothing is deleted: set one, or give NAME=DAYS"
_UNSURE: Final = (
    "sluicegate: {values}: what is deleted is gone for good: look with --dry-run, and add --yes to delete it\n"
)
_BLANK: Final = 79
_LOCK_WAIT_MS: Final = 2_000  # workers wait behind whoever waits for a table


class WouldGoOutput(Output, frozen=True, kw_only=True):
    """What each setting would delete now, by its name."""

    settings: dict[str, FreedOutput]


class PrunedOutput(Output, frozen=True, kw_only=True):
    """How many rows were deleted, by table."""

    rows: dict[str, int]


def run(chosen: argparse.Namespace) -> int:
    """Delete it, or with `--dry-run` say what would go; the exit code.

    Where values are given on the command line they alone count, and deleting by them has to be confirmed.

    Raises:
        NoRows: there is no database yet.
        ConfigError: the settings cannot be used.
        StoreError: the database does not answer, or refuses it; what was deleted by then is gone.
    """
    plan = query_plan()
    keep = asked(Keep(), chosen.keep) if chosen.keep else in_force(plan)
    keeps_all = keep == Keep()
    if keeps_all and not chosen.json:
        output.text(_FOR_EVER)
        return EXIT_OK
    if chosen.dry_run:
        return _tell(plan, keep, as_json=chosen.json)
    if keeps_all:
        _print_deleted({})
        return EXIT_OK
    if chosen.keep and not chosen.yes:
        sys.stderr.write(_UNSURE.format(values=" ".join(f"{name}={days}" for name, days in chosen.keep)))
        return EXIT_USAGE
    return _delete(plan, keep, as_json=chosen.json)


def _tell(plan: RunPlan, keep: Keep, *, as_json: bool) -> int:
    with query_connection(plan) as conn:
        found = freed_by(conn, sizes.table_sizes(conn), keep, datetime.now(UTC))
    if as_json:
        output.as_json(WouldGoOutput(settings=found))
        return EXIT_OK
    for name, one in found.items():
        if one.days:
            rows = rows_in_words(one.rows, one.is_estimate)
            output.text(f"{name}={one.days} would delete {rows} ({size(one.bytes)})")
    return EXIT_OK


def _delete(plan: RunPlan, keep: Keep, *, as_json: bool) -> int:
    shows_progress = sys.stderr.isatty()

    def on_step(gone: Mapping[str, int]) -> None:
        if shows_progress:
            words = rows_in_words(gone, is_estimate=False)
            sys.stderr.write(f"\rdeleted so far: {words}"[:_BLANK].ljust(_BLANK))
            sys.stderr.flush()

    with query_connection(plan, writes=True) as conn:
        conn.lock_timeout_ms = _LOCK_WAIT_MS
        gone = prune(conn, keep, on_step)
    if shows_progress:
        sys.stderr.write("\r" + " " * _BLANK + "\r")
    if as_json:
        _print_deleted(gone)
    else:
        output.text(f"deleted {rows_in_words(gone, is_estimate=False)}")
    return EXIT_OK


def _print_deleted(gone: Mapping[str, int]) -> None:
    output.as_json(PrunedOutput(rows={table: gone.get(table, 0) for table in TABLES}))

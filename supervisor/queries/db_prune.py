"""`db prune`: deletes now what the settings keep no longer, or says what that is."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from supervisor.database.access import query_connection, query_plan
from supervisor.queries import output
from supervisor.queries.db_size import asked, in_force, rows_in_words, setting_name, size
from tasks.errors import EXIT_OK, EXIT_USAGE
from tasks.maintenance.prune import prune
from tasks.store.retention import estimate, sizes, walks
from tasks.store.retention.keep import Keep

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

_FOR_EVER: Final = "every setting says for ever, so nothing is deleted: set one, or give NAME=DAYS"
_UNSURE: Final = (
    "sluicegate: {values}: what is deleted is gone for good: look with --dry-run, and add --yes to delete it\n"
)
_BLANK: Final = 79
_LOCK_WAIT_MS: Final = 2_000  # workers wait behind whoever waits for a table


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
    if keep == Keep():
        output.as_json(rows={}, bytes=0) if chosen.json else output.text(_FOR_EVER)
        return EXIT_OK
    if chosen.dry_run:
        return _tell(chosen, keep)
    if chosen.keep and not chosen.yes:
        sys.stderr.write(_UNSURE.format(values=" ".join(f"{name}={days}" for name, days in chosen.keep)))
        return EXIT_USAGE
    return _delete(chosen, keep)


def _tell(chosen: argparse.Namespace, keep: Keep) -> int:
    with query_connection(query_plan()) as conn:
        now = datetime.now(UTC)
        found = estimate.due(conn, sizes.table_sizes(conn), keep, now, walks.walked_until(conn, now))
    days = keep._asdict()
    if chosen.json:
        output.as_json(
            settings={setting_name(field): {"days": days[field], **one._asdict()} for field, one in found.items()}
        )
        return EXIT_OK
    for field, one in found.items():
        if days[field]:
            rows = rows_in_words(one.rows, one.is_estimate)
            output.text(f"{setting_name(field)}={days[field]} would delete {rows} ({size(one.bytes)})")
    return EXIT_OK


def _delete(chosen: argparse.Namespace, keep: Keep) -> int:
    shows_progress = sys.stderr.isatty()

    def on_step(gone: Mapping[str, int]) -> None:
        if shows_progress:
            words = rows_in_words(gone, is_estimate=False)
            sys.stderr.write(f"\rdeleted so far: {words}"[:_BLANK].ljust(_BLANK))
            sys.stderr.flush()

    with query_connection(query_plan(), writes=True) as conn:
        conn.lock_timeout_ms = _LOCK_WAIT_MS
        gone = prune(conn, keep, on_step)
    if shows_progress:
        sys.stderr.write("\r" + " " * _BLANK + "\r")
    if chosen.json:
        output.as_json(rows=dict(gone))
    else:
        output.text(f"deleted {rows_in_words(gone, is_estimate=False)}")
    return EXIT_OK

"""`export`: takes all deals, histories, calls or products out of the database, as CSV, lines of JSON or Parquet."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from supervisor.database.access import query_connection, query_plan
from supervisor.queries.printing.whole_file import whole_file
from tasks.errors import EXIT_OK, ConfigError
from tasks.store.export import export as store
from tasks.store.export.export import Export

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from tasks.store.connection import Connection

_HAS_DAYS: Final = ("history", "calls")


def run(chosen: argparse.Namespace) -> int:
    """Write what was asked for to the output or into a file; the exit code.

    A file gets its name when all of it is there, so that a part is never taken for the whole.

    Raises:
        NoRows: there is no database yet.
        ConfigError: the settings cannot be used, the file cannot be written, or Parquet needs what is not installed.
        StoreError: the database does not answer.
    """
    if fault := _fault(chosen):
        chosen.parser.error(fault)
    export = Export(
        kind=chosen.kind,
        domain=chosen.domain,
        since=None if chosen.since is None else datetime.now(UTC) - chosen.since,
        is_daily=chosen.daily,
    )
    if chosen.format == "parquet":
        from supervisor.queries.printing import parquet

        parquet.check()
    with query_connection(query_plan()) as conn, _opened(chosen.output) as file:
        _write(conn, export, chosen.format, file)
    return EXIT_OK


def _fault(chosen: argparse.Namespace) -> str | None:
    if chosen.daily and chosen.kind not in _HAS_DAYS:
        return f"--daily makes one row a day of {' or '.join(_HAS_DAYS)}; {chosen.kind} have one row each"
    if chosen.domain and chosen.kind == "calls":
        return "--domain chooses a shop, and a call may ask for several: leave it out"
    if chosen.format == "parquet" and chosen.output is None and sys.stdout.isatty():
        return "Parquet is no text for a terminal: name a file with --output, such as --output deals.parquet"
    return None


def _write(conn: Connection, export: Export, chosen_format: str, file: BinaryIO) -> None:
    columns = store.columns_of(conn, export)
    if chosen_format == "jsonl":
        with store.json_copied(conn, export, columns) as lines:
            file.writelines(lines)
        return
    if chosen_format == "csv":
        heading = ",".join(one.name for one in columns).encode() + b"\n"
        with store.csv_copied(conn, export, columns) as lines:
            file.write(heading)
            file.writelines(lines)
        return
    from supervisor.queries.printing import parquet

    parquet.write(file, columns, store.batches(conn, export, columns))


@contextmanager
def _opened(name: str | None) -> Iterator[BinaryIO]:
    """The standard output, or a file that takes the place of the one of this name at the end.

    What is there and is no file, such as a pipe or a device, is written to as it is.
    """
    if name is None:
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(name)
    is_file = path.is_file() or not path.exists()
    try:
        with whole_file(path) if is_file else path.open("wb") as file:
            yield file
    except OSError as error:
        reason = error.strerror or error
        raise ConfigError(f"{name} cannot be written: {reason}; name another file with --output") from error

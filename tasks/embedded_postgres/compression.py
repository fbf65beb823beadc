"""Remembers that a cluster was served by programs with lz4: others cannot read what was compressed with it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from ledger.atomic_file import replace_file
from tasks.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

_NAME: Final = "sluicegate.lz4"  # in the data directory, so that it goes where that goes
_HAS_LZ4: Final = "SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression'"


def check(data: Path, programs: Path, conn: psycopg.Connection[Any], owner: tuple[int, int] | None) -> None:
    """Check that the server can read whatever is in its cluster, and note it when it may write with lz4.

    Args:
        data: the data directory.
        programs: where the server's programs are.
        conn: a connection to it.
        owner: user and group to give the note to; None leaves it ours.

    Raises:
        ConfigError: the cluster was served by programs with lz4, and these are without.
        StoreError: the note cannot be written.
    """
    note = data / _NAME
    (has_lz4,) = conn.execute(_HAS_LZ4).fetchone() or (False,)
    if has_lz4:
        try:
            if not note.is_file():
                replace_file(note, os.fsencode(programs), durable=True)
            if owner is not None:
                os.chown(note, *owner)
        except OSError as error:
            raise StoreError(f"{note} cannot be written: {error}") from error
    elif note.is_file():
        before = os.fsdecode(note.read_bytes())
        raise ConfigError(
            f"{data} may hold values that are compressed with lz4, which the programs in {programs} cannot read: "
            f"set POSTGRES_BIN_DIR to the programs that served it, {before}"
        )

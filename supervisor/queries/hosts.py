"""`hosts`: shows the hosts that write to the database, and which of them are alive."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ledger.durations import format_elapsed
from ledger.localtime import near
from supervisor.database.access import query_connection, query_plan
from supervisor.queries.printing import output
from supervisor.queries.printing.output import Column, Output
from tasks.errors import EXIT_OK
from tasks.store.ledger_row import host_looks
from tasks.store.sqlstate import translate

if TYPE_CHECKING:
    import argparse

    from tasks.store.ledger_row.hosts import Host

_COLUMNS: Final = (
    Column("no", is_number=True),
    Column("host"),
    Column("build"),
    Column("ledger"),
    Column("since"),
    Column("state"),
)
_NONE: Final = "no host has written to this database yet: one with a DATABASE_URL takes part"


class HostOutput(msgspec.Struct, frozen=True, kw_only=True):
    """A host that takes part, or did. The times are the database's.

    Attributes:
        id: its state directory among all, and the boot of its machine.
        silent_s: seconds since it said last that it is alive (`beat_at`).
        workers: its worker processes.
        ledger: where its ledger is, `file` or `database`; null when its build does not tell.
        drain_at: since when it is to begin no more calls; null while it may.
        is_dead: whether it beats no more: others have noted that, or it was silent while it was looked at for this.
    """

    number: int
    id: str
    name: str
    version: str
    joined_at: datetime
    beat_at: datetime
    left_at: datetime | None
    silent_s: float
    workers: list[dict[str, Any]]
    ledger: str | None
    drain_at: datetime | None
    is_dead: bool
    is_alive: bool


class HostsOutput(Output, frozen=True, kw_only=True):
    """The hosts that write to the database."""

    hosts: tuple[HostOutput, ...]


def show(chosen: argparse.Namespace) -> int:
    """Print the hosts; the exit code.

    Raises:
        NoRows: there is no database yet.
        ConfigError: the settings cannot be used.
        StoreError: the database does not answer.
    """
    with query_connection(query_plan()) as conn, translate():
        found = host_looks.look(conn)
    if chosen.json:
        output.as_json(HostsOutput(hosts=tuple(HostOutput(**asdict(one), is_alive=one.is_alive) for one in found)))
        return EXIT_OK
    if not found:
        output.text(_NONE)
        return EXIT_OK
    now = datetime.now(UTC)
    rows = [
        (str(one.number), one.name, one.version, one.ledger or "not told", near(one.joined_at, now), _state(one))
        for one in found
    ]
    output.table(_COLUMNS, rows)
    return EXIT_OK


def _state(host: Host) -> str:
    if host.left_at is not None:
        return f"{'left' if host.drain_at is None else 'drained'} {format_elapsed(host.silent_s)} ago"
    silence = format_elapsed(host.silent_s)
    if host.state == "draining":
        return f"draining, heard {silence} ago"
    return f"alive, heard {silence} ago" if host.is_alive else f"dead: silent for {silence}"

"""What is wrong with a database server, or could be better, each with what to do. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from supervisor.database.server_facts import ServerFacts

_MB: Final = 2**20
_GB: Final = 2**30
BESIDE_WORKERS: Final = 3  # connections of the supervisor, and one of a person
# With 16 MB and a database of 1.4 GB, a look through the deals takes the server 1.5 to 2 times the CPU of 128 MB; 3 GB
# take what 128 MB take.
_LEAST_BUFFERS: Final = 128 * _MB
_LEAST_WORK_MEM: Final = 4 * _MB
_LEAST_WAL: Final = _GB
_NEARLY_ALL: Final = 0.8  # of the connections: who upgrades or joins needs some for a while


def lines(workers: int, *, is_embedded: bool, is_ledger_there: bool) -> int:
    """How many connections are needed beside one a worker, and those that every run has.

    A host that others can see beats over one, and each process has one for ledgers in the database, whatever keys it
    serves.
    """
    return (0 if is_embedded else 1) + (workers + 1 if is_ledger_there else 0)


def faults(facts: ServerFacts, workers: int, more: int = 0) -> Iterator[str]:
    """What keeps the workers from working; `more` are the `lines` that are needed."""
    needed = workers + BESIDE_WORKERS + more
    if not facts.is_pooled and facts.connections < needed:
        yield (
            f"it allows this user {facts.connections} connections, and {workers} workers need {needed} with those "
            "beside them: raise max_connections or the connection limit of the user or the database"
        )


def notes(facts: ServerFacts, workers: int, more: int = 0, *, is_embedded: bool, hosts: int = 1) -> Iterator[str]:
    """What works and costs safety, time or room; of the embedded server not what the program itself has chosen.

    `more` are the `lines` that are needed; `hosts` is how many write to the database, with this one.
    """
    yield from _risks(facts)
    if not facts.has_autovacuum:
        yield "autovacuum or track_counts is off, so tables grow without end: ALTER SYSTEM SET autovacuum = on"
    if not is_embedded:
        yield from _costs(facts)
    needed = workers + BESIDE_WORKERS + more
    left = facts.connections - facts.others
    if not facts.is_pooled and left < needed <= facts.connections:
        yield (
            f"other clients have {facts.others} of {facts.connections} connections now, so {left} are left of the "
            f"{needed} that {workers} workers need: raise max_connections"
        )
    of_all = hosts * needed + facts.others
    if not facts.is_pooled and hosts > 1 and of_all > _NEARLY_ALL * facts.connections:
        yield (
            f"{hosts} hosts with as many workers as this one need {hosts * needed} connections, and other clients have "
            f"{facts.others}: that comes near the {facts.connections} there are, so raise max_connections"
        )


def _risks(facts: ServerFacts) -> Iterator[str]:
    if not facts.has_fsync:
        yield "fsync is off, so a crash of its machine can destroy the database: ALTER SYSTEM SET fsync = on"
    elif not facts.has_full_page_writes:
        yield (
            "full_page_writes is off, so a crash of its machine can damage pages, unless its file system writes them "
            "whole: ALTER SYSTEM SET full_page_writes = on"
        )
    if not facts.commits_durably:
        yield (
            "synchronous_commit is off, so a crash loses the last replies, which were paid for: set it to on for "
            f"this database (ALTER DATABASE {facts.database} SET synchronous_commit = on)"
        )
    if facts.is_collation_stale:
        yield (
            "its indexes were built with another version of the library that sorts text, so rows may be missed: "
            f"REINDEX DATABASE {facts.database}, then ALTER DATABASE {facts.database} REFRESH COLLATION VERSION"
        )


def _costs(facts: ServerFacts) -> Iterator[str]:
    if facts.shared_buffers < _LEAST_BUFFERS:
        yield (
            f"shared_buffers is {_in_mb(facts.shared_buffers)}, so queries over many rows take up to twice their time: "
            "give it 128 MB or more, an eighth to a quarter of the memory"
        )
    if facts.work_mem < _LEAST_WORK_MEM:
        yield f"work_mem is {facts.work_mem // 1024} kB, so queries sort on the disk: give it 4 MB or more"
    if facts.max_wal_size < _LEAST_WAL:
        yield f"max_wal_size is {_in_mb(facts.max_wal_size)}, so pages are logged whole often: give it 1 to 4 GB"


def _in_mb(size: int) -> str:
    return f"{size / _MB:,.0f} MB"

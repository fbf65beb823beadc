"""The settings of an embedded server, each with its reason: some by the memory and the disk of the machine. Pure."""

from __future__ import annotations

from typing import Final

KB: Final = 1024
MB: Final = 1024 * KB
GB: Final = 1024 * MB

# What makes the server ours. Written into postgresql.conf when a cluster is made, and never again.
FIXED: Final = {
    "listen_addresses": "",
    "unix_socket_directories": ".",  # the data directory itself: 0700, and free of quoting
    "max_logical_replication_workers": "0",  # one process less
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_min_error_statement": "panic",  # statements carry the data, and a refused row would fill the log
}

_LEAST_BUFFERS: Final = 16 * MB


def by_machine(memory: int, disk: int) -> dict[str, str]:
    """Defaults for a machine with these bytes of memory that is not the database's alone, on a disk of this size.

    What is not here stays at PostgreSQL's own defaults: random_page_cost changed no plan and no time that was measured.
    """
    return {
        # An eighth, and not the quarter of a machine that has nothing else to do: the workers, and on a desktop its
        # user, need the rest, and what is not here is in the kernel's cache. With 128 MB and with 3 GB, products of a
        # database of 1.4 GB take the same CPU to write and deals the same to read; a start takes 85 ms more with 3 GB,
        # 30 with 1 GB.
        "shared_buffers": _bytes(_within(memory // 8, 32 * MB, GB)),
        # What a planner may hope to find in the kernel's cache and here. It allocates nothing.
        "effective_cache_size": _bytes(_within(memory // 2, 128 * MB, 64 * GB)),
        # For each sort or hash of a query, of which a few run at once. Those over a million deals take 60 to 140 MB;
        # what does not fit is written to the disk and read again.
        "work_mem": _bytes(_within(memory // 256, 4 * MB, 64 * MB)),
        # Building an index, as after a restore, and a vacuum: one of them at a time, three vacuums at worst.
        "maintenance_work_mem": _bytes(_within(memory // 32, 32 * MB, 512 * MB)),
        # Checkpoints are rare, because the first change of a page after one logs the whole page. The log that lies
        # between two of them is on the same disk, so a small one takes less of it, and checkpoints more often.
        "max_wal_size": _bytes(_within(disk // 20, 512 * MB, 4 * GB)),
        "checkpoint_timeout": "15min",
        # Rewriting arrays makes dead copies of kilobytes a row, so the vacuum is awake more often and may do more than
        # by default: with the rare checkpoints 38 % more rows a second in a minute of random updates.
        "autovacuum_naptime": "5s",
        "autovacuum_vacuum_scale_factor": "0.05",
        "autovacuum_vacuum_cost_limit": "2000",
        # Compressing pages whose values are compressed gains nothing.
        "wal_compression": "off",
        # To compile a plan takes tenths of a second, which is what the longest queries take as a whole. Only programs
        # of the user's own can do it at all.
        "jit": "off",
    }


def with_fewer_buffers(settings: dict[str, str]) -> dict[str, str] | None:
    """The same with half the shared memory; None when that would be too little to work with."""
    half = _in_bytes(settings["shared_buffers"]) // 2
    return None if half < _LEAST_BUFFERS else {**settings, "shared_buffers": _bytes(half)}


def _within(wanted: int, low: int, high: int) -> int:
    return min(max(wanted, low), high)


def _bytes(size: int) -> str:
    """A size as the server reads it, in whole megabytes."""
    return f"{size // MB}MB"


def _in_bytes(text: str) -> int:
    return int(text.removesuffix("MB")) * MB

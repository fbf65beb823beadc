"""The server's defaults in a file of our own, written at each start, which whatever the user sets goes before.

`postgresql.conf` includes it in its first line, and of two values the server takes the later: one set below, with
`ALTER SYSTEM`, for a database or for a role wins. A cluster that was made without the file has active lines that nobody
chose, from `initdb` or from an earlier build; they are switched off once, when the first line is put in.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from ledger.atomic_file import replace_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAME: Final = "sluicegate.conf"
_MAIN: Final = "postgresql.conf"
_INCLUDE: Final = (
    f"include_if_exists = '{NAME}'  # defaults for this machine, written at each start; what is set below wins\n"
)
_HEADER: Final = (
    "# Written anew at each start, from the memory and the disk of this machine: do not edit.\n"
    f"# Set what you want in {_MAIN}, or with ALTER SYSTEM: that wins over what is here.\n"
)
_LINE: Final = re.compile(r"(\w+)\s*=\s*'?([^'#]*?)'?\s*(?:#.*)?")
# What initdb of PostgreSQL 15 to 18 and our own earlier builds wrote. Whoever chose just the same loses nothing that
# cannot be set again: once the first line is there, nothing is switched off any more.
_NOT_CHOSEN: Final = {
    "shared_buffers": {"128MB"},
    "min_wal_size": {"80MB"},
    "max_wal_size": {"1GB", "4GB"},
    "checkpoint_timeout": {"15min"},
    "autovacuum_naptime": {"10s"},
    "autovacuum_vacuum_scale_factor": {"0.05"},
    "autovacuum_vacuum_cost_limit": {"2000"},
    "wal_compression": {"off"},
}


def write(data: Path, settings: Mapping[str, str], owner: tuple[int, int] | None) -> None:
    """Make `settings` the defaults of the server in `data`, which must not run.

    Args:
        data: the data directory.
        settings: values by name.
        owner: user and group to give the files to; None leaves them ours.

    Raises:
        OSError: a file cannot be read or written.
    """
    replace_file(data / NAME, "".join([_HEADER, *_lines(settings)]).encode(), durable=False)
    main = data / _MAIN
    text = main.read_text(encoding="utf-8", errors="surrogateescape")
    if NAME not in text:
        whole = _INCLUDE + _without_what_nobody_chose(text)
        replace_file(main, whole.encode("utf-8", errors="surrogateescape"), durable=True)
    if owner is not None:
        for path in (data / NAME, main):
            os.chown(path, *owner)


def append(data: Path, settings: Mapping[str, str]) -> None:
    """Set `settings` in a cluster that was just made, before anybody chose anything.

    `initdb` of PostgreSQL 15 has no option for it.

    Raises:
        OSError: the file cannot be written.
    """
    with (data / _MAIN).open("a", encoding="ascii") as file:
        file.writelines(["\n# Of Sluicegate, when this was made\n", *_lines(settings)])
        file.flush()
        os.fsync(file.fileno())


def _lines(settings: Mapping[str, str]) -> list[str]:
    return [f"{name} = '{value}'\n" for name, value in settings.items()]


def _without_what_nobody_chose(text: str) -> str:
    return "".join(f"#{line}" if _is_not_chosen(line) else line for line in text.splitlines(keepends=True))


def _is_not_chosen(line: str) -> bool:
    found = _LINE.fullmatch(line.strip())
    return found is not None and found[2] in _NOT_CHOSEN.get(found[1].lower(), ())

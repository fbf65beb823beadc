"""What the name of a spooled reply tells: who owns it, and how often it was taken over. Pure."""

from __future__ import annotations

from pathlib import PurePath
from typing import Final

from ledger.types import ProcessId

SUFFIX: Final = ".reply"
PART_SUFFIX: Final = ".part"


def owner_of(name: str) -> ProcessId | None:
    """The owner of the reply with that name, or of the room for one; None for any other file."""
    if PurePath(name).suffix not in {SUFFIX, PART_SUFFIX}:
        return None
    try:
        return ProcessId.parse(name.split(".", maxsplit=1)[0])
    except ValueError:
        return None


def attempts_of(name: str) -> int:
    """How often it was taken over before; a name that does not say counts as never."""
    try:
        return int(PurePath(name).stem.rpartition(".")[2])
    except ValueError:
        return 0

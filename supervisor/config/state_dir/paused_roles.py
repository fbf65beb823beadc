"""The roles that a person paused, in a file of the state directory: they stay so over starts, until `resume`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ledger.atomic_file import replace_file
from tasks.errors import ConfigError, plain
from tasks.roles import BACKFILL, UPSERT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def read(path: Path) -> frozenset[str]:
    """The roles that are paused.

    Raises:
        ConfigError: the file cannot be read: starting to spend what somebody stopped would be worse than not starting.
    """
    try:
        found = frozenset(msgspec.json.decode(path.read_bytes(), type=list[str]))
    except FileNotFoundError:
        return frozenset()
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path} does not tell what is paused ({plain(error)}): repair it, or delete it to start all workers"
        ) from error
    return found & {UPSERT, BACKFILL}


def write(path: Path, roles: Iterable[str]) -> None:
    """Keep that these roles are paused, whole or not at all, also when the machine loses its power.

    Raises:
        OSError: the directory cannot be written.
    """
    names = sorted(roles)
    if names:
        replace_file(path, msgspec.json.encode(names) + b"\n", durable=True)
    else:
        path.unlink(missing_ok=True)

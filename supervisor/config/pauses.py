"""What a person paused, kept in the state directory: what was stopped stays stopped until somebody says otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tasks.errors import ConfigError, plain
from tasks.settings import BACKFILL, UPSERT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def read(path: Path) -> frozenset[str]:
    """The roles that are paused.

    Raises:
        ConfigError: it cannot be told: starting to spend what somebody stopped would be worse than not starting.
    """
    try:
        found = frozenset(msgspec.json.decode(path.read_bytes(), type=list[str]))
    except FileNotFoundError:
        return frozenset()
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path} does not tell what is paused ({plain(error)}): mend it, or take it away to start all"
        ) from error
    return found & {UPSERT, BACKFILL}


def write(path: Path, roles: Iterable[str]) -> None:
    """Keep that these roles are paused, whole or not at all.

    Raises:
        OSError: the directory cannot be written.
    """
    names = sorted(roles)
    if not names:
        path.unlink(missing_ok=True)
        return
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(msgspec.json.encode(names) + b"\n")
    fresh.replace(path)

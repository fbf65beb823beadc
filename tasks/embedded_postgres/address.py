"""The URL of an embedded server: a socket in its data directory, reached by a short path if need be."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from pathlib import Path
from typing import Final
from urllib.parse import quote, quote_from_bytes

from tasks.embedded_postgres.cluster import SUPERUSER
from tasks.embedded_postgres.pid_file import PORT, SOCKET
from tasks.errors import ConfigError

# unix(7): sun_path has 108 bytes on Linux, one for the end; BSD and macOS have 104.
_LONGEST: Final = 103
_PRIVATE: Final = 0o700


def url(data: Path, database: str) -> str:
    """A URL that libpq and psycopg accept, whatever characters the path of `data` has.

    Raises:
        ConfigError: the path is too long for a socket, and so is that of each temporary directory.
    """
    host = quote_from_bytes(os.fsencode(reachable(data)), safe="")
    # The port is given although it is the default: PGPORT in the environment would change the socket's name.
    return f"postgresql://{SUPERUSER}@/{quote(database, safe='')}?host={host}&port={PORT}"


def reachable(data: Path) -> Path:
    """A path to `data` by which libpq can open the socket in it.

    A long path, or one with a comma (libpq splits hosts there), is reached by a symbolic link in a private
    directory. The server knows nothing of the link: whoever finds it removed makes it anew.

    Raises:
        ConfigError: no temporary directory is short enough, or another user made ours.
    """
    if _fits(data) and b"," not in os.fsencode(data):
        return data
    name = f"sluicegate-{os.geteuid()}-{hashlib.sha256(os.fsencode(data)).hexdigest()[:12]}"
    for temporary in (tempfile.gettempdir(), "/tmp"):  # noqa: S108 - entered only when private to us
        private = Path(temporary, name)
        if _fits(private / "data") and "," not in temporary:
            return _link(private, data)
    raise ConfigError(
        f"{data} is too long for a socket ({_LONGEST} bytes), and so is {tempfile.gettempdir()}: "
        "choose a shorter STATE_DIR or TMPDIR"
    )


def _fits(directory: Path) -> bool:
    return len(os.fsencode(directory / SOCKET)) <= _LONGEST


def _link(private: Path, data: Path) -> Path:
    private.mkdir(mode=_PRIVATE, exist_ok=True)
    found = private.lstat()
    if found.st_mode != stat.S_IFDIR | _PRIVATE or found.st_uid != os.geteuid():
        raise ConfigError(f"{private} is not a private directory of uid {os.geteuid()}: remove it")
    link = private / "data"
    if not (link.is_symlink() and link.readlink() == data):
        # Renamed into place: two processes may make it at once.
        fresh = private / f"data.{os.getpid()}"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(data)
        fresh.rename(link)
    return link

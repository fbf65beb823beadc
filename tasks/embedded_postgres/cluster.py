"""The data directory: made whole or not at all, and only opened by the major version that made it.

`initdb` writes into `data.new`, which is renamed when it is complete. It inherits the start lock: the next start waits
for it although its starter was killed, and finds either no cluster or a whole one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Final

from ledger.atomic_file import sync_directory
from tasks.embedded_postgres import config_file, replacement, run_as
from tasks.embedded_postgres.programs import ENVIRONMENT, SETTING, how_to_get, of_major, under_identity
from tasks.embedded_postgres.server_settings import FIXED
from tasks.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.embedded_postgres.file_lock import FileLock
    from tasks.embedded_postgres.programs import Programs
    from tasks.embedded_postgres.run_as import RunAs

DATA: Final = replacement.DATA
SUPERUSER: Final = "postgres"


def ensure(home: Path, programs: Programs, start_lock: FileLock, *, use_namespace: bool = True) -> RunAs:
    """Make the cluster in `home` if there is none, and return the identity that its programs run as.

    The start lock must be held.

    Raises:
        ConfigError: this process cannot run PostgreSQL there, or the cluster is of another major version.
        DatabaseTransient: a new cluster is to take the place of one that is still used.
        StoreError: `initdb` failed.
    """
    owner = home.stat()
    who = run_as.choose(owner.st_uid, owner.st_gid)
    if who is None:
        raise ConfigError(_not_ours(home, owner.st_uid))
    replacement.finish(home)
    made_by = major_of(home)
    if made_by is not None:
        if made_by != programs.major:
            raise ConfigError(other_major(home, made_by, programs))
        return who
    if who.way is run_as.Way.NAMESPACE and not use_namespace:
        return _create_as_another(home, programs, start_lock, "namespaces are switched off")
    try:
        _create(home, programs, start_lock, who)
    except _NoNamespaceError as error:
        return _create_as_another(home, programs, start_lock, str(error))
    return who


def major_of(home: Path) -> int | None:
    """The major version of PostgreSQL that made the cluster in `home`; None when there is no cluster."""
    version = home / DATA / "PG_VERSION"
    return int(version.read_text(encoding="ascii")) if version.is_file() else None


def other_major(home: Path, made_by: int, programs: Programs) -> str:
    """What to do about a cluster that another major version than that of `programs` made, for a person."""
    words = f"{home / DATA} was made by PostgreSQL {made_by}, and the programs in use are those of {programs.major}"
    old = of_major(made_by)
    named = f"{SETTING} to {how_to_get(made_by)}" if old is None else f"{SETTING}={old.directory}"
    if made_by > programs.major:
        return f"{words}, which cannot read it: set {named}"
    command = "`sluicegate db upgrade`" + ("" if old is not None else f" --from DIRECTORY ({how_to_get(made_by)})")
    return f"{words}: {command} moves the rows and keeps the old directory; set {named} to go on with it as it is"


class _NoNamespaceError(Exception):
    """The kernel or a container's policy forbids user namespaces."""


def _create_as_another(home: Path, programs: Programs, start_lock: FileLock, why: str) -> RunAs:
    who = run_as.fallback()
    if who is None:
        raise ConfigError(
            f"cannot run PostgreSQL as uid {os.geteuid()} ({why}): give this user an entry in /etc/passwd, "
            "allow user namespaces, or name a server in DATABASE_URL"
        )
    _give(home, who.uid, who.gid)
    try:
        _create(home, programs, start_lock, who)
    except (ConfigError, StoreError, _NoNamespaceError) as error:
        _give(home, 0, 0)
        raise ConfigError(f"cannot run PostgreSQL as root ({why}), nor as uid {who.uid}: {error}") from error
    return who


def _give(home: Path, uid: int, gid: int) -> None:
    for path in (home, *home.iterdir()):
        os.chown(path, uid, gid)


def _create(home: Path, programs: Programs, start_lock: FileLock, who: RunAs) -> None:
    data, new = home / DATA, home / f"{DATA}.new"
    shutil.rmtree(new, ignore_errors=True)
    command = [
        str(programs.directory / "initdb"),
        f"--pgdata={new}",
        f"--username={SUPERUSER}",
        "--encoding=UTF8",
        "--locale=C",  # an update of the system's C library cannot reorder a text index
        "--data-checksums",
        "--auth-local=trust",  # whoever can enter the data directory owns it
        "--auth-host=reject",
        "--no-instructions",
    ]
    done = subprocess.run(  # noqa: S603 - our own programs, a list, no shell
        under_identity(who, home, command),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        env=ENVIRONMENT,
        start_new_session=True,
        pass_fds=(start_lock.fd,),
        check=False,
    )
    reason = done.stderr.strip()
    if done.returncode == run_as.EXIT_NO_NAMESPACE:
        raise _NoNamespaceError(reason)
    if done.returncode == run_as.EXIT_NO_ACCESS:
        raise ConfigError(f"{reason}: choose a STATE_DIR that this user can enter, or name a server in DATABASE_URL")
    if done.returncode != 0:
        raise StoreError(f"initdb failed in {home} (exit {done.returncode}): {reason}")
    config_file.append(new, FIXED)
    new.rename(data)
    sync_directory(home)


def _not_ours(home: Path, owner_uid: int) -> str:
    uid = os.geteuid()
    if uid not in (owner_uid, 0):
        return f"{home} belongs to uid {owner_uid}, this process runs as uid {uid}: run as that user"
    return "the password file has no user but root, and PostgreSQL needs another one with a name: add a user"

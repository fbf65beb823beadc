"""Starts a server process below a keeper, with settings for this machine, or for less if that is too much."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Final

from tasks.embedded_postgres import (
    cluster,
    config_file,
    memory,
    pid_file,
    programs,
    run_as,
    server_log,
    server_settings,
)
from tasks.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.embedded_postgres.file_lock import FileLock
    from tasks.embedded_postgres.programs import Programs
    from tasks.embedded_postgres.run_as import RunAs

# What the server says as it gives up; its messages are in English, because the cluster has the locale C.
_NO_MEMORY: Final = ("could not map anonymous shared memory", "could not create shared memory segment")


def settings_for(home: Path, memory_bytes: int | None) -> dict[str, str]:
    """The defaults of a server in `home`, for the memory that this process may use unless another size is given."""
    usable = memory.usable_bytes() if memory_bytes is None else memory_bytes
    return server_settings.by_machine(usable, shutil.disk_usage(home).total)


def with_less(settings: dict[str, str], home: Path) -> tuple[dict[str, str], str]:
    """Settings for another try of a server that ended instead of starting, and what to tell of them.

    Raises:
        StoreError: it was not the shared memory that it lacked, or there is nothing left to leave out.
    """
    tail = server_log.log_tail(home)
    fewer = server_settings.with_fewer_buffers(settings) if any(words in tail for words in _NO_MEMORY) else None
    if fewer is None:
        raise StoreError(f"the server in {home} did not start; its log ends:\n{tail}")
    had, has = settings["shared_buffers"], fewer["shared_buffers"]
    return fewer, f"the system refused the server {had} of shared memory, so it works with {has} (shared_buffers)"


def launch(home: Path, with_programs: Programs, who: RunAs, server_lock: FileLock, settings: dict[str, str]) -> None:
    """Start the server of `home`; the lock that it inherits shows whether it lives.

    Raises:
        StoreError: its settings cannot be written.
    """
    data, owner = home / cluster.DATA, run_as.file_owner(home)
    pid_file.remove_pid_file(data)
    try:
        config_file.write(data, settings, owner)
    except OSError as error:
        raise StoreError(f"the settings of the server in {data} cannot be written: {error}") from error
    command = [str(with_programs.directory / "postgres"), "-D", str(data)]
    log = server_log.open_log(home, owner)
    try:
        subprocess.run(  # noqa: S603 - our own programs, a list, no shell
            programs.under_keeper(who, home, command),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=programs.ENVIRONMENT,
            start_new_session=True,
            pass_fds=(server_lock.fd,),
            check=False,
        )
    finally:
        os.close(log)

"""The state directory: where everything lies, and the lock that lets one supervisor at a time use it.

The lock is the kernel's (`flock`): it goes with its holder, however that ends, so there is nothing to clean up after
a crash. The pid in the file is for people; only the lock decides.

What a person paused is kept here as well: what was stopped stays stopped until somebody says otherwise.
"""

from __future__ import annotations

import fcntl
import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from supervisor.config import filesystem
from tasks.errors import EXIT_ALREADY_RUNNING, ConfigError, Error, plain
from tasks.settings import BACKFILL, UPSERT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

# `status` tests the lock by taking it for some microseconds: a start that met it there must look again.
_TRIES: Final = 20
_BETWEEN_S: Final = 0.02
_DEBUG: Final = " debug"
_LINE: Final = 32  # bytes: a pid and that word


class AlreadyRunning(Error):
    """Another supervisor uses this state directory."""

    exit_code = EXIT_ALREADY_RUNNING


@dataclass(frozen=True, slots=True)
class StateDir:
    """Names of everything in the state directory `root`."""

    root: Path

    @property
    def lock(self) -> Path:
        """Locked by the running supervisor; holds its pid."""
        return self.root / "supervisor.lock"

    @property
    def status(self) -> Path:
        """What the supervisor last said of itself."""
        return self.root / "status.json"

    @property
    def control(self) -> Path:
        """The socket that takes orders while a supervisor runs."""
        return self.root / "control.sock"

    @property
    def paused(self) -> Path:
        """Which roles a person paused; there only while some are."""
        return self.root / "paused.json"

    @property
    def ledger(self) -> Path:
        """The token ledger."""
        return self.root / "ledger"

    @property
    def postgres(self) -> Path:
        """The own PostgreSQL."""
        return self.root / "postgres"

    def spool(self, database: str) -> Path:
        """Replies not yet in the database of this name."""
        return self.root / "spool" / database

    @property
    def blocked_spool(self) -> Path | None:
        """What stands where the folder of replies has to be; None when nothing does."""
        spools = self.root / "spool"
        return spools if os.path.lexists(spools) and not spools.is_dir() else None

    def make(self) -> None:
        """Create it, for its owner alone, if it is not there.

        Raises:
            ConfigError: it cannot be created or written, or lies where locks are not to be relied on.
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        except FileExistsError:
            raise ConfigError(
                f"STATE_DIR {self.root} is no folder; set another one, or take away what is there"
            ) from None
        except OSError as error:
            raise ConfigError(
                f"STATE_DIR {self.root} cannot be created: {error.strerror}; set another one or mend its rights"
            ) from error
        if not os.access(self.root, os.R_OK | os.W_OK | os.X_OK):
            raise ConfigError(f"STATE_DIR {self.root} cannot be written; set another one or mend its rights")
        blocked = self.blocked_spool
        if blocked is not None:
            raise ConfigError(f"{blocked} is no folder: replies cannot be kept there; take away what is there")
        fault = filesystem.fault_of(self.root)
        if fault is not None:
            raise ConfigError(f"STATE_DIR {self.root} {fault}")

    @contextmanager
    def locked(self, *, is_debug: bool = False) -> Iterator[None]:
        """Be the one supervisor of this directory, or do its work by hand (`is_debug`).

        Raises:
            AlreadyRunning: another one is. Nothing of it is touched.
            ConfigError: the lock file cannot be opened.
        """
        fd = self._open_lock()
        try:
            if not _lock(fd):
                holder = _pid_in(fd)
                named = "another process" if holder is None else f"pid {holder}"
                named += " (`sluicegate debug`)" if _is_debug(fd) else ""
                raise AlreadyRunning(
                    f"already running: {named} holds {self.lock}; stop it first, or set another STATE_DIR"
                )
            os.ftruncate(fd, 0)
            os.pwrite(fd, f"{os.getpid()}{_DEBUG if is_debug else ''}\n".encode(), 0)
            yield
        finally:
            os.close(fd)

    def holder(self) -> int | None:
        """The pid of the running supervisor; None when none runs, 0 when it has not yet said which it is."""
        try:
            fd = os.open(self.lock, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            if _try_lock(fd, fcntl.LOCK_SH):
                return None
            return _pid_in(fd) or 0
        finally:
            os.close(fd)

    def is_debugged(self) -> bool:
        """Whether `sluicegate debug` holds the directory, which has no supervisor then."""
        try:
            fd = os.open(self.lock, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            return not _try_lock(fd, fcntl.LOCK_SH) and _is_debug(fd)
        finally:
            os.close(fd)

    def _open_lock(self) -> int:
        try:
            return os.open(self.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigError(
                f"{self.lock} cannot be opened: {error.strerror}; mend the rights of STATE_DIR"
            ) from error


def _lock(fd: int) -> bool:
    pause = threading.Event()
    for _ in range(_TRIES):
        if _try_lock(fd, fcntl.LOCK_EX):
            return True
        pause.wait(_BETWEEN_S)
    return False


def _try_lock(fd: int, kind: int) -> bool:
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _pid_in(fd: int) -> int | None:
    text = os.pread(fd, _LINE, 0).removesuffix(b"\n").removesuffix(_DEBUG.encode())
    return int(text) if text.isdigit() else None


def _is_debug(fd: int) -> bool:
    return os.pread(fd, _LINE, 0).endswith(f"{_DEBUG}\n".encode())


def read_pauses(path: Path) -> frozenset[str]:
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


def write_pauses(path: Path, roles: Iterable[str]) -> None:
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

"""The state directory: the names of all that lies in it, and whether it can be used."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from supervisor.config import filesystem
from supervisor.config.instance_lock import InstanceLock
from tasks.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class StateDir:
    """Names of everything in the state directory `root`."""

    root: Path

    @property
    def lock(self) -> InstanceLock:
        """Held by the running supervisor."""
        return InstanceLock(self.root / "supervisor.lock")

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

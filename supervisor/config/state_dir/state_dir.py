"""The state directory: the names of all that lies in it, and whether it can be used."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from supervisor.config.state_dir import filesystem, host_id
from supervisor.config.state_dir.instance_lock import InstanceLock
from tasks.errors import ConfigError
from tasks.settings import DEFAULT_KEY

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
        """The last report of the supervisor."""
        return self.root / "status.json"

    @property
    def control(self) -> Path:
        """The socket that takes orders while a supervisor runs."""
        return self.root / "control.sock"

    @property
    def web_token(self) -> Path:
        """The secret that lets a browser in."""
        return self.root / "web.token"

    @property
    def paused(self) -> Path:
        """The file of the roles that a person paused; it is there only while some are."""
        return self.root / "paused.json"

    @property
    def alarms(self) -> Path:
        """The file of the alarms that were told and are not over, and of those that are to be sent."""
        return self.root / "alarms.json"

    @property
    def ledger(self) -> Path:
        """The token ledger."""
        return self.root / "ledger"

    def ledger_of(self, key: str) -> Path:
        """The token ledger of the key of this name; that of the only key there is has no name."""
        return self.ledger if key == DEFAULT_KEY else self.root / f"ledger-{key}"

    @property
    def ledger_marker(self) -> Path:
        """The file that is there while the ledger is in the database."""
        return self.root / "ledger.in_database"

    @property
    def host_id(self) -> Path:
        """The file with what this state directory is called among those of all hosts."""
        return self.root / "host"

    def name(self) -> str:
        """What this state directory is called among those of all hosts; empty where that cannot be read, or not yet."""
        try:
            return host_id.read(self.host_id)
        except ConfigError:
            return ""

    def host(self) -> str:
        """The same in short, as it is a part of the names of workers and of replies in the spool."""
        return self.name().partition("-")[0]

    @property
    def postgres(self) -> Path:
        """The folder of the embedded PostgreSQL."""
        return self.root / "postgres"

    def spool(self, database: str) -> Path:
        """The folder of replies that are not yet in the database of this name."""
        return self.root / "spool" / database

    @property
    def blocked_spool(self) -> Path | None:
        """The name of the folder of replies, when something else has it; None when it is free."""
        spools = self.root / "spool"
        return spools if os.path.lexists(spools) and not spools.is_dir() else None

    def make(self) -> None:
        """Create the directory, for its owner alone, if it is not there; and give it a name among those of all hosts.

        Raises:
            ConfigError: it cannot be created or written, its file system does not lock reliably, or its name is
                damaged.
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        except FileExistsError:
            raise ConfigError(
                f"STATE_DIR {self.root} is not a folder; set another one, or remove what is there"
            ) from None
        except OSError as error:
            raise ConfigError(
                f"STATE_DIR {self.root} cannot be created: {error.strerror}; set another one or correct its permissions"
            ) from error
        if not os.access(self.root, os.R_OK | os.W_OK | os.X_OK):
            raise ConfigError(f"STATE_DIR {self.root} cannot be written; set another one or correct its permissions")
        blocked = self.blocked_spool
        if blocked is not None:
            raise ConfigError(f"{blocked} is not a folder, so replies cannot be kept there; remove what is there")
        fault = filesystem.fault_of(self.root)
        if fault is not None:
            raise ConfigError(f"STATE_DIR {self.root} {fault}")
        with suppress(OSError):  # a full disk: it has no name until the next start
            host_id.make(self.host_id)

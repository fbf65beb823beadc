"""The name of a process, so that another can tell whether it still lives: boot, pid, and time of its start.

A pid alone is reused. Pid and start time are not, within one boot; a spool outlives a boot, so the boot is
part of the name.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.process import boot_id, identity, is_alive


@dataclass(frozen=True, slots=True)
class Owner:
    """A process of this machine: boot, pid, and start time in clock ticks since that boot."""

    boot: str
    pid: int
    started: int

    def __str__(self) -> str:
        return f"{self.boot}-{self.pid}-{self.started}"

    @classmethod
    def parse(cls, text: str) -> Owner:
        """The owner that `str` wrote.

        Raises:
            ValueError: `text` is no such name.
        """
        boot, pid, started = text.split("-")
        return cls(boot, int(pid), int(started))

    @classmethod
    def this(cls) -> Owner:
        """The calling process."""
        return cls(_boot(), *identity())

    def is_alive(self) -> bool:
        """Whether this very process still runs; a zombie does not."""
        return self.boot == _boot() and is_alive(self.pid, self.started)


def is_dead(name: str) -> bool:
    """Whether the process in the name `WORKER@OWNER` ran in this boot of this machine and runs no more."""
    try:
        owner = Owner.parse(name.rpartition("@")[2])
    except ValueError:
        return False
    return owner.boot == _boot() and not owner.is_alive()


def _boot() -> str:
    """Eight characters that differ from boot to boot."""
    return boot_id().hex()[:8]

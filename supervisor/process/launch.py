"""How each kind of child is started: its command, and the settings it reads from its lifeline."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from supervisor.config import notify_settings, web_settings
from supervisor.config.environment import child_environment
from tasks import settings

if TYPE_CHECKING:
    from supervisor.config.notify_settings import NotifySettings
    from supervisor.config.settings import Settings
    from supervisor.config.web_settings import WebSettings
    from tasks.settings import WorkerSettings

# -P: nothing may be imported from the current directory of whoever starts it.
_PYTHON: Final = (sys.executable, "-P", "-m")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLaunch:
    """A worker of one role."""

    role: str
    slot: int
    settings: WorkerSettings
    env: dict[str, str] = field(default_factory=child_environment, repr=False)

    def argv(self, status_fd: int, lifeline_fd: int) -> tuple[str, ...]:
        """The command; role and slot show in `ps`, secrets do not."""
        pipes = ("--status-fd", str(status_fd), "--lifeline-fd", str(lifeline_fd))
        return (*_PYTHON, "tasks.worker", self.role, "--slot", str(self.slot), *pipes)

    def first_line(self) -> bytes:
        """Its settings."""
        return settings.CODEC.encode(self.settings)

    def environment(self) -> dict[str, str]:
        """Ours, without settings."""
        return self.env


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUpLaunch:
    """The process that asks for one product for a person, and ends."""

    domain: int
    asin: str
    detail: str
    slot: int
    settings: WorkerSettings
    env: dict[str, str] = field(default_factory=child_environment, repr=False)

    def argv(self, status_fd: int, lifeline_fd: int) -> tuple[str, ...]:
        """The command."""
        pipes = ("--slot", str(self.slot), "--status-fd", str(status_fd), "--lifeline-fd", str(lifeline_fd))
        return (*_PYTHON, "tasks.look_up", str(self.domain), self.asin, self.detail, *pipes)

    def first_line(self) -> bytes:
        """Its settings."""
        return settings.CODEC.encode(self.settings)

    def environment(self) -> dict[str, str]:
        """Ours, without settings."""
        return self.env


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorLaunch:
    """The built-in simulator. Started again it takes the port it had, so that workers find it."""

    settings: Settings
    port: int = 0
    env: dict[str, str] = field(default_factory=child_environment, repr=False)

    def argv(self, status_fd: int, lifeline_fd: int) -> tuple[str, ...]:
        """The command."""
        options = {
            "--port": self.port,
            "--rate": self.settings.simulator_rate,
            "--tick-s": self.settings.simulator_tick_s,
            "--start-balance": self.settings.simulator_start_balance,
            "--seed": self.settings.simulator_seed,
            "--deals": self.settings.simulator_deals,
            "--announce-fd": status_fd,
            "--lifeline-fd": lifeline_fd,
        }
        flat = [str(part) for pair in options.items() for part in pair]
        return (*_PYTHON, "tasks.simulator", *flat)

    def first_line(self) -> bytes:
        """Nothing: all of it is in the command."""
        return b""

    def environment(self) -> dict[str, str]:
        """Ours, without settings."""
        return self.env


@dataclass(frozen=True, slots=True, kw_only=True)
class WebLaunch:
    """The process of the page, which serves over the socket `listening_fd`."""

    settings: WebSettings
    listening_fd: int
    env: dict[str, str] = field(default_factory=child_environment, repr=False)

    def argv(self, status_fd: int, lifeline_fd: int) -> tuple[str, ...]:
        """The command."""
        pipes = ("--status-fd", str(status_fd), "--lifeline-fd", str(lifeline_fd))
        return (*_PYTHON, "supervisor.web", "--listening-fd", str(self.listening_fd), *pipes)

    def first_line(self) -> bytes:
        """Its settings."""
        return web_settings.CODEC.encode(self.settings)

    def environment(self) -> dict[str, str]:
        """Ours, without settings."""
        return self.env


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyLaunch:
    """The process that sends messages."""

    settings: NotifySettings
    env: dict[str, str] = field(default_factory=child_environment, repr=False)

    def argv(self, status_fd: int, lifeline_fd: int) -> tuple[str, ...]:
        """The command."""
        return (*_PYTHON, "supervisor.notify", "--status-fd", str(status_fd), "--lifeline-fd", str(lifeline_fd))

    def first_line(self) -> bytes:
        """Its settings, with the addresses of the targets in clear."""
        return notify_settings.CODEC.encode(self.settings)

    def environment(self) -> dict[str, str]:
        """Ours, without settings."""
        return self.env

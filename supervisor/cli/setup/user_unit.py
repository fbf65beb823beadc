"""The systemd unit of a user, who needs no rights for it: what `deploy/sluicegate.service` is for a whole machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME: Final = "sluicegate.service"
_UNIT: Final = """\
[Unit]
Description=Sluicegate: Amazon deals from the Keepa API into PostgreSQL
StartLimitIntervalSec=0

[Service]
Type=notify
WorkingDirectory={folder}
ExecStart={program} run
ExecReload=/bin/kill -HUP $MAINPID
UMask=0077
TimeoutStartSec=60
WatchdogSec=60
KillMode=mixed
TimeoutStopSec=120
Restart=on-failure
RestartSec=15
# Wrong usage, already running, key refused, settings that cannot be used: starting again would change nothing.
RestartPreventExitStatus=2 73 77 78
SuccessExitStatus=130 143
OOMPolicy=continue

[Install]
WantedBy=default.target
"""


def place(environ: Mapping[str, str], home: Path) -> Path:
    """Where systemd looks for the units of a user."""
    configured = environ.get("XDG_CONFIG_HOME", "")
    return (Path(configured) if configured else home / ".config") / "systemd" / "user" / NAME


def text(*, program: str, folder: Path) -> str:
    """The unit that runs `program` in `folder`, where its `.env` is."""
    return _UNIT.format(program=_escaped(program, is_quoted=True), folder=_escaped(str(folder), is_quoted=False))


def _escaped(value: str, *, is_quoted: bool) -> str:
    """The value as systemd reads it: `%` begins a specifier, and a command line is split at blanks."""
    plain = value.replace("%", "%%")
    if not is_quoted:
        return plain
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$") + '"'

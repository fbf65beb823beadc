"""`sluicegate status`: shows what runs, as text or as JSON, once or again and again.

`--watch` draws the live view of a run in another process; where there is no terminal it prints a line a minute.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from supervisor.config import untold
from supervisor.database.access import query_plan
from supervisor.report import Frame
from supervisor.status.as_json import to_json
from supervisor.status.status import Status, gather

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType

    from supervisor.config.settings import Settings

_AGAIN_S: Final = 1
_LINE_EVERY_S: Final = 60
_END_SIGNALS: Final = frozenset({signal.SIGINT, signal.SIGTERM})


def show(*, as_json: bool, watch: bool) -> int:
    """Print the status; the exit code says the same.

    Raises:
        ConfigError: the settings cannot be used.
    """
    settings = query_plan().settings
    if watch:
        untold.tell(sys.stderr.write)
    if watch and not as_json:
        return _watch(settings)
    while True:
        status = gather(settings)
        sys.stdout.write(json.dumps(to_json(status), default=str) + "\n" if as_json else terminal_text(status))
        sys.stdout.flush()
        if not watch:
            return status.exit_code
        # Ctrl-C ends the process by itself; nothing has to be released first.
        threading.Event().wait(_AGAIN_S)


def _watch(settings: Settings) -> int:
    """Show the status until Ctrl-C; the exit code is that of the last one."""
    # They are blocked and waited for, so that they end the drawing between two frames and nowhere else.
    signal.pthread_sigmask(signal.SIG_BLOCK, _END_SIGNALS)
    if sys.stdout.isatty():
        from rich.console import Console

        console = Console(highlight=False, file=sys.stdout)
        if console.is_terminal and not console.is_dumb_terminal:
            from rich.live import Live

            with Live(console=console, auto_refresh=False) as live:
                return _repeat(
                    settings,
                    lambda status: live.update(_picture(status, console.width, console.height), refresh=True),
                    _AGAIN_S,
                )
    return _repeat(settings, _print_line, _LINE_EVERY_S)


def _repeat(settings: Settings, show_once: Callable[[Status], None], every_s: int) -> int:
    while True:
        status = gather(settings)
        show_once(status)
        if signal.sigtimedwait(_END_SIGNALS, every_s) is not None:
            return status.exit_code


def _print_line(status: Status) -> None:
    from supervisor.status.as_text import as_line

    sys.stdout.write(as_line(status, datetime.now(UTC)))
    sys.stdout.flush()


def _picture(status: Status, width: int, height: int | None = None) -> RenderableType:
    """The live view of a status; when the status is stale its text, which says so."""
    from rich.text import Text

    from supervisor.console.live_view import draw
    from supervisor.status.as_text import as_text

    if status.report is None or status.is_stale:
        return Text(as_text(status, datetime.now(UTC), width).rstrip())
    report = msgspec.structs.replace(status.report, counted=status.counts)
    return draw(Frame(report=report, by_key=status.by_key, up_s=None), width, height)


def terminal_text(status: Status) -> str:
    """The status as text, as wide as the terminal."""
    from supervisor.status.as_text import WIDTH, as_text

    return as_text(status, datetime.now(UTC), min(WIDTH, _columns(WIDTH)))


def _columns(otherwise: int) -> int:
    """The width of the terminal in cells; `otherwise` where there is none."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or otherwise
    except OSError:
        return otherwise

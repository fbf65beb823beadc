"""`sluicegate status --watch`: the live view of a run that another process does, or a line a minute off a terminal."""

from __future__ import annotations

import signal
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from supervisor.console.monitor import Frame
from supervisor.status import status

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType

    from supervisor.config.settings import Settings

_EVERY_S: Final = 1
_LINE_EVERY_S: Final = 60
_ENDING: Final = frozenset({signal.SIGINT, signal.SIGTERM})


def watch(settings: Settings) -> int:
    """Show until Ctrl-C; the exit code is that of the last status."""
    # Blocked and waited for, so that they end the drawing between two frames and nowhere else.
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    if sys.stdout.isatty():
        from rich.console import Console

        console = Console(highlight=False, file=sys.stdout)
        if console.is_terminal and not console.is_dumb_terminal:
            from rich.live import Live

            with Live(console=console, auto_refresh=False) as live:
                return _show(
                    settings,
                    lambda now: live.update(picture(now, console.width, console.height), refresh=True),
                    _EVERY_S,
                )
    return _show(settings, _print_line, _LINE_EVERY_S)


def _show(settings: Settings, show: Callable[[status.Status], None], every_s: int) -> int:
    while True:
        now = status.gather(settings)
        show(now)
        if signal.sigtimedwait(_ENDING, every_s) is not None:
            return now.exit_code


def _print_line(now: status.Status) -> None:
    from supervisor.status.as_text import as_line

    sys.stdout.write(as_line(now, datetime.now(UTC)))
    sys.stdout.flush()


def picture(now: status.Status, width: int, height: int | None = None) -> RenderableType:
    """The view of a status; of one that is stale the text, which says so."""
    from rich.text import Text

    from supervisor.console.live_view import draw
    from supervisor.status.as_text import as_text

    if now.report is None or now.is_stale:
        return Text(as_text(now, datetime.now(UTC), width).rstrip())
    return draw(
        Frame(report=msgspec.structs.replace(now.report, counted=now.counts), snapshot=now.snapshot, up_s=None),
        width,
        height,
    )

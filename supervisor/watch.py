"""`sluicegate status --watch`: the live view of a run that another process does."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.live import Live
from rich.text import Text

from ledger import SystemClock
from supervisor import status
from supervisor.monitor import Frame
from supervisor.rates import Rates
from supervisor.view import draw

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

    from supervisor.config import Settings

_EVERY_S: Final = 1
_ENDING: Final = frozenset({signal.SIGINT, signal.SIGTERM})


def watch(settings: Settings) -> int:
    """Draw until Ctrl-C; the exit code is that of the last status."""
    # Blocked and waited for, so that they end the drawing between two frames and nowhere else.
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    clock = SystemClock()
    rates = Rates()
    console = Console(highlight=False, file=sys.stdout)
    with Live(console=console, auto_refresh=False) as live:
        while True:
            now_ns, now = clock.now_ns(), status.gather(settings)
            written = {} if now.report is None else now.report.rows_written
            per_minute = rates.after(written, now_ns)
            live.update(_picture(now, per_minute, console.width), refresh=True)
            if signal.sigtimedwait(_ENDING, _EVERY_S) is not None:
                return now.exit_code


def _picture(now: status.Status, per_minute: Mapping[str, float], width: int) -> RenderableType:
    if now.report is None or now.is_stale:
        return Text(status.as_text(now).rstrip())
    frame = Frame(report=now.report, snapshot=now.snapshot, counts=now.counts, per_minute=per_minute, up_s=None)
    return draw(frame, width)

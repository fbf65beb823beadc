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
from supervisor.view import draw

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

    from supervisor.config import Settings

_EVERY_S: Final = 1
_S: Final = 1_000_000_000
_ENDING: Final = frozenset({signal.SIGINT, signal.SIGTERM})


def watch(settings: Settings) -> int:
    """Draw until Ctrl-C; the exit code is that of the last status."""
    # Blocked and waited for, so that they end the drawing between two frames and nowhere else.
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    clock = SystemClock()
    seen_ns, seen = clock.now_ns(), dict[str, int]()
    console = Console(highlight=False, file=sys.stdout)
    with Live(console=console, auto_refresh=False) as live:
        while True:
            now_ns, now = clock.now_ns(), status.gather(settings)
            written = {} if now.report is None else now.report.rows_written
            rates = _rates(seen, written, (now_ns - seen_ns) / _S / 60) if seen else {}
            seen_ns, seen = now_ns, written
            live.update(_picture(now, rates, console.width), refresh=True)
            if signal.sigtimedwait(_ENDING, _EVERY_S) is not None:
                return now.exit_code


def _picture(now: status.Status, rates: Mapping[str, float], width: int) -> RenderableType:
    if now.report is None or now.is_stale:
        return Text(status.as_text(now).rstrip())
    frame = Frame(report=now.report, snapshot=now.snapshot, counts=now.counts, per_minute=rates, up_s=None)
    return draw(frame, width)


def _rates(before: Mapping[str, int], after: Mapping[str, int], minutes: float) -> dict[str, float]:
    return {table: (count - before.get(table, 0)) / minutes for table, count in after.items()} if minutes > 0 else {}

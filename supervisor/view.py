"""The live view: balance and floors, gates, workers, rows, progress, faults, in the width of the terminal."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final, TextIO

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from supervisor.outlet import StreamScreen
from supervisor.words import span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, RenderableType

    from ledger import Snapshot
    from supervisor.monitor import Frame
    from supervisor.report import ChildRecord

_FAULTS: Final = 3
_STATES: Final = {"running": "green", "starting": "yellow", "backoff": "yellow", "failed": "bold red", "done": "dim"}


class LiveScreen:
    """Draws the view at the bottom of the terminal and lets lines scroll above it."""

    def __init__(self, console: Console, *, lines_to: TextIO | None = None) -> None:
        """Take over the terminal of `console`; lines go to `lines_to` when they are read elsewhere."""
        self._console = console
        self._lines_to = lines_to
        self._live = Live(console=self._console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
        self._live.start()

    def write(self, lines: Sequence[str]) -> None:
        """Show lines above the view."""
        if self._lines_to is not None:
            StreamScreen(self._lines_to).write(lines)
            return
        for line in lines:
            self._console.print(Text.from_ansi(line), soft_wrap=True)

    def draw(self, frame: Frame) -> None:
        """Replace the view."""
        self._live.update(draw(frame, self._console.width), refresh=True)

    def close(self) -> None:
        """Leave the last view on the screen and give the cursor back."""
        self._live.stop()


def draw(frame: Frame, width: int) -> RenderableType:
    """The view of one moment."""
    parts: list[RenderableType] = [_head(frame)]
    if frame.snapshot is not None:
        parts += [_bar(frame.snapshot, width), _gates(frame.snapshot)]
    parts += [_workers((*frame.report.services, *frame.report.workers)), _rows(frame)]
    parts += _progress(frame) + _faults(frame)
    return Group(*parts)


def _head(frame: Frame) -> Text:
    run = frame.report.run
    text = Text.assemble(("Sluicegate ", "bold"), frame.report.supervisor.state)
    if frame.up_s is not None:
        text.append(f" {span(frame.up_s)}")
    text.append(f" · {'simulator' if run.server == 'simulator' else run.base_url}")
    text.append(f" · database {run.database or 'DATABASE_URL'}")
    if run.synthetic:
        text.append(" · synthetic data", "yellow")
    text.truncate(200)
    text.no_wrap = True
    return text


def _bar(snapshot: Snapshot, width: int) -> Text:
    """The bucket as a bar, with a mark at each floor."""
    bucket = snapshot.bucket
    words = f" {bucket.balance:.0f} of {bucket.capacity:.0f}"
    if bucket.next_tick_in_s is not None:
        words += f", +{bucket.refill_rate:.0f} in {max(0.0, bucket.next_tick_in_s):.0f} s"
    if not snapshot.synced:
        words = " no reading yet"
    cells = max(10, min(60, width - len("tokens ") - len(words) - 1))
    full = 0 if bucket.capacity <= 0 else round(cells * max(0.0, min(1.0, bucket.balance / bucket.capacity)))
    marks = {round(cells * tier.floor / bucket.capacity) for tier in snapshot.tiers if bucket.capacity > 0 < tier.floor}
    colour = "cyan" if bucket.balance > 0 else "red"
    styled = [("┃", "bold yellow") if cell in marks else ("█" if cell < full else "░", colour) for cell in range(cells)]
    text = Text("tokens ", no_wrap=True)
    for style, run in itertools.groupby(styled, key=lambda cell: cell[1]):
        text.append("".join(letter for letter, _ in run), style)
    return text.append(words)


def _gates(snapshot: Snapshot) -> Table:
    table = _table("tier", "gate", "floor", "earmark", "waiting", "in flight", "granted", "spent")
    for tier in snapshot.tiers:
        if tier.open:
            gate = Text("open", "green")
        else:
            gate = Text("closed" if tier.opens_in_s is None else f"opens in {span(tier.opens_in_s)}", "yellow")
        numbers = (tier.floor, tier.earmark, tier.waiting, tier.in_flight, tier.granted, tier.spent)
        table.add_row(tier.name, gate, *(f"{number:.0f}" for number in numbers))
    return table


def _workers(children: Sequence[ChildRecord]) -> Table:
    table = _table("child", "state", "pid", "restarts", "doing")
    for child in children:
        state = Text(child.state, _STATES.get(child.state, "yellow"))
        if child.again_in_s is not None:
            state.append(f" {child.again_in_s:.0f} s")
        doing = " ".join(filter(None, [(child.phase or "").replace("_", " "), child.detail]))
        # A cell that is cut, in a column that may shrink: when the width is short the last column gives way alone.
        cut = Text(doing, no_wrap=True, overflow="ellipsis")
        table.add_row(f"{child.role}-{child.slot}", state, str(child.pid or ""), str(child.restarts), cut)
    table.columns[-1].no_wrap = False
    return table


def _rows(frame: Frame) -> Text:
    if frame.counts is None:
        return Text("rows   not counted yet", no_wrap=True)
    text = Text("rows   ", no_wrap=True, overflow="ellipsis")
    for table, count in frame.counts.rows.items():
        text.append(f"{table.removeprefix('price_')} {count:,}")
        rate = frame.per_minute.get(table, 0.0)
        if rate:
            text.append(f" {rate:.0f}/min", "green")
        text.append("  ")
    return text


def _progress(frame: Frame) -> list[RenderableType]:
    """How far the backfill is, from the newest words of any of its workers."""
    if frame.counts is None:
        return []
    queue = frame.counts.queue
    done, left = queue.get("done", 0), queue.get("pending", 0) + queue.get("leased", 0)
    text = Text(f"queue  {done:,} of {done + left:,} products", no_wrap=True, overflow="ellipsis")
    # Once nothing is left the last words of a worker tell how fast it was, and not how fast it is.
    jobs = [child.job for child in frame.report.workers if left and child.job.get("total")]
    rate, eta_s = (jobs[0].get("rate_per_min"), jobs[0].get("eta_s")) if jobs else (None, None)
    if isinstance(rate, int | float):
        text.append(f", {rate:.0f} a minute")
    if isinstance(eta_s, int | float):
        text.append(f", about {span(eta_s)} left")
    return [text]


def _faults(frame: Frame) -> list[RenderableType]:
    last = frame.report.deaths[-_FAULTS:]
    return [
        Text(
            f"fault  {death.at[11:19]} {death.role}-{death.slot} {death.words}",
            "red",
            no_wrap=True,
            overflow="ellipsis",
        )
        for death in last
    ]


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", expand=False)
    for name in names:
        table.add_column(name, no_wrap=True)
    return table

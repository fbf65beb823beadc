"""Draws the live view in the width of the terminal: balance, gates, workers, rows, progress, faults and exits."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TextIO

from rich.console import Group
from rich.live import Live
from rich.text import Text

from ledger.bar import draw_bar, draw_bucket
from ledger.durations import format_duration
from supervisor.console import keys_view
from supervisor.console.plain_table import plain_table
from supervisor.console.writer import StreamScreen
from supervisor.status import formatting, keys
from supervisor.status.as_json import progress
from tasks.roles import ROLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, RenderableType
    from rich.table import Table

    from ledger import Snapshot
    from supervisor.report import ChildRecord, Frame, Report

_FAULTS: Final = 3
_CELLS: Final = ("█", "░", "┃")  # of a bar: full, empty, a floor
_MIN_WORKERS: Final = 3
_STREAMS: Final = 4
_WIDE: Final = 110
_STATES: Final = {"running": "green", "starting": "yellow", "backoff": "yellow", "failed": "bold red", "done": "dim"}


class LiveScreen:
    """Draws the view at the bottom of the terminal and lets lines scroll above it."""

    def __init__(self, console: Console, *, lines_to: TextIO | None = None) -> None:
        """Take over the terminal of `console`; lines go to `lines_to` where that is another stream."""
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
        self._live.update(draw(frame, self._console.width, self._console.height), refresh=True)

    def close(self) -> None:
        """Leave the last view on the screen and give the cursor back."""
        self._live.stop()


def draw(frame: Frame, width: int, height: int | None = None) -> RenderableType:
    """The view of one moment, what matters most first, with as many workers as a `height` has room for."""
    now, report = datetime.now(UTC), frame.report
    above: list[RenderableType] = [_head(frame), *_problems(report, now)]
    below: list[RenderableType] = [*_hosts(frame), _rows(report), *_progress(frame, width), *_watermarks(report, now)]
    lines = len(above) + len(below) + 1  # and the heading of the workers
    if report.keys:
        below = [*keys_view.draw(keys.views(report.keys, frame.by_key, report), now), *below]
        lines += keys_view.lines(len(report.keys))
    elif frame.snapshots:
        (snapshot,) = frame.snapshots
        below = [_bar(snapshot, width), _gates(snapshot, width), *below]
        lines += 2 + len(snapshot.tiers)
    children = (*report.services, *report.workers)
    room = len(children) if height is None else max(_MIN_WORKERS, height - 1 - lines)
    return Group(*above, *_workers(children, frame.snapshots, now, room), *below)


def _head(frame: Frame) -> Text:
    run = frame.report.run
    text = Text.assemble(("Sluicegate ", "bold"), frame.report.supervisor.state)
    if frame.up_s is not None:
        text.append(f" {format_duration(frame.up_s)}")
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
        words += f", +{bucket.refill_rate:.0f} in {format_duration(bucket.next_tick_in_s)}"
    if not snapshot.synced:
        words = " no reading yet"
    cells = max(10, min(60, width - len("tokens ") - len(words) - 1))
    bar = Text(draw_bucket(snapshot, cells, _CELLS), "cyan" if bucket.balance > 0 else "red")
    bar.highlight_words([_CELLS[-1]], "bold yellow")
    text = Text("tokens ", no_wrap=True).append_text(bar)
    return text.append(words)


def _gates(snapshot: Snapshot, width: int) -> Table:
    table = plain_table("tier", "gate", "", "floor", "earmark", "waiting", "spent")
    cells = 8 if width < _WIDE else 24
    for tier in snapshot.tiers:
        colour = "green" if tier.open else "yellow"
        spent = f"{tier.spent:.0f} {formatting.spent_part(tier, snapshot):.0%}"
        numbers = (f"{number:.0f}" for number in (tier.floor, tier.earmark, tier.waiting))
        bar = Text(draw_bar(formatting.openness(tier, snapshot), cells, cells=_CELLS), colour)
        table.add_row(tier.name, bar, Text(formatting.gate(tier), colour), *numbers, spent)
    return table


def _workers(
    children: Sequence[ChildRecord], snapshots: Sequence[Snapshot], now: datetime, room: int
) -> list[RenderableType]:
    """What each child does; where room is short those not running come first, and the rest share a line."""
    if len(children) <= room:
        return [_table_of(children, snapshots, now)]
    by_urgency = sorted(children, key=lambda child: (child.state == "running", child.role not in ROLES))
    named = {id(child) for child in by_urgency[: room - 1]}
    shown = [child for child in children if id(child) in named]
    rest = Counter(_phase(child) for child in children if id(child) not in named)
    words = ", ".join(f"{count} {phase}" for phase, count in rest.most_common())
    more = Text(f"and {len(children) - len(shown)} more: {words}", no_wrap=True, overflow="ellipsis", style="dim")
    return [_table_of(shown, snapshots, now), more]


def _phase(child: ChildRecord) -> str:
    return (child.phase or child.state).replace("_", " for ") if child.state == "running" else child.state


def _table_of(children: Sequence[ChildRecord], snapshots: Sequence[Snapshot], now: datetime) -> Table:
    has_restarts = any(child.restarts for child in children)
    table = plain_table("child", "state", *(["restarts"] if has_restarts else []), "doing")
    for child in children:
        state = Text(child.state, _STATES.get(child.state, "yellow"))
        if child.again_in_s is not None:
            state.append(f" {format_duration(child.again_in_s)}")
        # The cell is cut and its column may shrink, so in a narrow terminal only the last column loses text.
        doing = Text(formatting.doing(child, snapshots, now), no_wrap=True, overflow="ellipsis")
        restarts = [str(child.restarts or "")] if has_restarts else []
        table.add_row(child.name, state, *restarts, doing)
    table.columns[-1].no_wrap = False
    return table


def _rows(report: Report) -> Text:
    if report.counted is None:
        return Text("rows   not counted yet", no_wrap=True)
    quarantined = report.counted.rows.get(formatting.QUARANTINE, 0)
    parts = formatting.rows(report.counted, report.rows_per_minute)
    text = Text("rows   ", no_wrap=True, overflow="ellipsis")
    for part in parts:
        is_problem = quarantined and part.startswith(formatting.QUARANTINE)
        text.append(part.replace("price series", "series"), "bold red" if is_problem else "")
        text.append("  ")
    return text


def _progress(frame: Frame, width: int) -> list[RenderableType]:
    """How far the backfill is, or nothing while that is not known."""
    known = progress(frame.report, frame.report.counted, frame.snapshots)
    if known is None:
        return []
    words = formatting.backfill(known.done, known.total, known.rate_per_min, known.eta_s)
    text = Text("queue  ", no_wrap=True, overflow="ellipsis")
    if known.total:
        text.append(draw_bar(known.done / known.total, 10 if width < _WIDE else 24, cells=_CELLS) + " ", "cyan")
    return [text.append(words)]


def _watermarks(report: Report, now: datetime) -> list[RenderableType]:
    marks = () if report.counted is None else report.counted.watermarks
    return [
        Text(f"deals  {formatting.watermark(mark, now)}", no_wrap=True, overflow="ellipsis")
        for mark in marks[:_STREAMS]
    ]


def _problems(report: Report, now: datetime) -> list[RenderableType]:
    lines = [(f"degraded {formatting.condition(one, now)}", "bold red") for one in report.conditions]
    if report.paused:
        lines.append((f"paused {formatting.until_resumed(report.paused)}", "yellow"))
    faults = formatting.faults(report.faults, now)[-_FAULTS:]
    lines += [(f"fault  {one}", "dim" if one.startswith(formatting.OVER) else "yellow") for one in faults]
    lines += [(f"death  {formatting.death(one, now)}", "red") for one in report.deaths[-_FAULTS:]]
    return [Text(line, colour, no_wrap=True, overflow="ellipsis") for line, colour in lines]


def _hosts(frame: Frame) -> list[RenderableType]:
    """The hosts that share the database, those that are missed in red."""
    lines = formatting.hosts(frame.report, frame.snapshots)
    colours = ["red" if one.state == "silent" else "" for one in frame.report.hosts]
    return [
        Text(f"host   {line}", colour, no_wrap=True, overflow="ellipsis")
        for line, colour in zip(lines, colours, strict=False)
    ]

"""The story in two pictures: the balance with its gates, and what came of the tokens. Only this needs matplotlib."""

from __future__ import annotations

import math
from collections import Counter
from itertools import accumulate
from typing import TYPE_CHECKING

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot as plt

from benchmarks.scenarios.grid import STORY_RATE
from benchmarks.scenarios.strategies import OURS
from ledger import DEFAULT_TIERS
from tasks.simulator.bucket import CAPACITY_TICKS

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from benchmarks.scenarios.measures import Point, Story

HOUR_NS = 3600 * 10**9
SHOWN_H = 8
LONG_NS = 60 * 10**9  # a wait of a page that is worth seeing
COLOURS = {"50/50": "#c0392b", "150/50": "#e08e0b", "80/50": "#8e6bbf", "recharge": "#7f8c8d", OURS: "#1a7f5a"}
LINES = {"50/50": "-", "150/50": "-", "80/50": "--", "recharge": ":", OURS: "-"}
CHAPTERS = {
    "50/50": "Starved: both jobs from 50 tokens on. The backfill takes what comes, upsert waits (shaded)",
    "150/50": "Cured? The backfill from 150 on. Upsert is served, and its sips keep the balance below 150 for ever",
    OURS: "Never again: floors and guaranteed shares. Upsert is served, and the backfill keeps moving",
}
mpl.rc("svg", hashsalt="scenarios", fonttype="none")  # the same picture is the same file
mpl.rc("font", size=9)
mpl.rc("axes.spines", top=False)


def balance(stories: dict[str, Story], path: Path) -> None:
    """Draw the balance of the strategies in `CHAPTERS`, with gates, upsert's waits and the backfill's batches."""
    figure, axes = plt.subplots(len(CHAPTERS), 1, sharex=True, sharey=True, figsize=(9, 8))
    for axis, (name, title) in zip(axes, CHAPTERS.items(), strict=True):
        _balance(axis, name, stories[name])
        axis.set_title(title, loc="left", fontsize=9)
        axis.set_ylabel("tokens")
    axes[-1].set_xlabel("hours; marks at the top: batches of the backfill")
    _save(figure, path)


def deals(stories: dict[str, Story], path: Path) -> None:
    """Draw what each strategy has fetched by when: details of new deals, and products of the backfill."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4))
    hours = math.ceil(max(at for story in stories.values() for at, _ in story.balance) / HOUR_NS)
    for name, story in stories.items():
        for axis, points in ((left, story.details), (right, story.history)):
            days, totals = _totals(points, hours)
            axis.plot(
                days, totals, color=COLOURS[name], label=name, ls=LINES[name], linewidth=2.2 if name == OURS else 1.2
            )
    left.set_title("new deals with details", loc="left", fontsize=9)
    right.set_title("products with history (logarithmic)", loc="left", fontsize=9)
    right.set_yscale("log")
    for axis in (left, right):
        axis.set_xlabel("days")
    left.legend(frameon=False)
    _save(figure, path)


def gates_of(rate: int) -> dict[str, float]:
    """The floor of each tier that has one, as it stands on a plan of this rate."""
    capacity = CAPACITY_TICKS * rate
    return {tier.name: min(tier.floor, capacity * tier.floor_part) for tier in DEFAULT_TIERS if tier.floor}


def _balance(axis: Axes, name: str, story: Story) -> None:
    points = [(at / HOUR_NS, balance) for at, balance in story.balance if at < SHOWN_H * HOUR_NS]
    axis.step([at for at, _ in points], [tokens for _, tokens in points], where="post", color=COLOURS[name], lw=0.7)
    for tier, floor in gates_of(STORY_RATE).items():
        axis.axhline(floor, color="#555555", lw=0.8, ls="--")
        axis.text(SHOWN_H, floor, f" {tier} {floor:.0f}", va="center", fontsize=8)
    axis.axhline(0, color="black", lw=0.8)
    for wanted, granted in story.waits:
        if granted - wanted >= LONG_NS and wanted < SHOWN_H * HOUR_NS:
            axis.axvspan(wanted / HOUR_NS, min(granted / HOUR_NS, SHOWN_H), color="#c0392b", alpha=0.15, lw=0)
    batches = [at / HOUR_NS for at, _ in story.history if at < SHOWN_H * HOUR_NS]
    axis.plot(batches, [0.97] * len(batches), "|", color="#2c5fa8", transform=axis.get_xaxis_transform(), ms=6)
    axis.set_xlim(0, SHOWN_H)


def _totals(points: list[Point], hours: int) -> tuple[list[float], list[int]]:
    """Days and running totals, one point an hour: finer would not be seen."""
    got = Counter[int]()
    for at, count in points:
        got[at // HOUR_NS] += count
    totals = list(accumulate(got[hour] for hour in range(hours)))
    return [(hour + 1) / 24 for hour in range(hours)], totals


def _save(figure: Figure, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)

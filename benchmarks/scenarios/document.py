"""The document: words from the template beside this file, numbers from the results."""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from benchmarks.scenarios import grid, verdict
from benchmarks.scenarios.strategies import STRATEGIES
from benchmarks.scenarios.table import tables

if TYPE_CHECKING:
    from benchmarks.scenarios.grid import Results

TEMPLATE = Path(__file__).with_name("scenarios.md.template")


def text(results: Results, seed: int) -> str:
    """The whole document in Markdown; the same results give the same bytes."""
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        seed=seed,
        strategies="\n".join(f"| {name} | {strategy.idea} |" for name, strategy in STRATEGIES.items()),
        shortfalls=verdict.shortfalls(results),
        even=verdict.even(results),
        days=tables(results, grid.DAY_H),
        weeks=tables(results, grid.WEEK_H),
    )

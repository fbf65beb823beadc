"""Results as a Markdown table per plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.scenarios.strategies import OURS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.scenarios.grid import Results
    from benchmarks.scenarios.measures import Result
    from benchmarks.scenarios.scenario import Scenario

COLUMNS = (
    "load",
    "strategy",
    "delay p50",
    "p99",
    "max",
    "details fetched",
    "backfill share",
    "longest gap",
    "utilisation",
    "expired",
    "at or below 0",
    "429",
)
WORDS = 2  # of the columns; the others are numbers, and stand to the right


def tables(results: Results, hours: float) -> str:
    """A headed table for each plan that was run for so many hours."""
    shown = [pair for pair in results.items() if pair[0].hours == hours and pair[0].with_offers]
    rates = dict.fromkeys(scenario.rate for scenario, _ in shown)
    return "\n\n".join(
        f"### {rate:,} a minute\n\n{table([pair for pair in shown if pair[0].rate == rate])}" for rate in rates
    )


def table(rows: Sequence[tuple[Scenario, Result]]) -> str:
    """One table; ours stands out."""
    lines = [COLUMNS, ("---",) * WORDS + ("--:",) * (len(COLUMNS) - WORDS)]
    lines += [_cells(scenario, result) for scenario, result in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def duration(seconds: float) -> str:
    """Seconds, minutes or hours, as a person would say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def percent(part: float) -> str:
    """With one digit below ten, so that little is told from nothing."""
    value = 100 * part
    return f"{value:.1f} %" if value < 9.95 else f"{value:.0f} %"


def _cells(scenario: Scenario, result: Result) -> tuple[str, ...]:
    name = f"**{scenario.strategy}**" if scenario.strategy == OURS else scenario.strategy
    return (
        f"{scenario.part * 100:.0f} %",
        name,
        duration(result.delay_p50_s),
        duration(result.delay_p99_s),
        duration(result.delay_max_s),
        percent(result.details_part),
        percent(result.backfill_part),
        duration(result.backfill_gap_s),
        percent(result.utilisation),
        f"{result.expired:,}",
        percent(result.at_zero_part),
        f"{result.refused:,}",
    )

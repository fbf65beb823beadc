"""Where our own strategy falls short of what it promises, found in the results: nothing is left for words to hide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.scenarios.grid import DAY_H
from benchmarks.scenarios.strategies import OURS
from benchmarks.scenarios.table import percent
from ledger import DEFAULT_TIERS

if TYPE_CHECKING:
    from benchmarks.scenarios.grid import Results
    from benchmarks.scenarios.measures import Result
    from benchmarks.scenarios.scenario import Scenario

SHARE = {tier.name: tier.share for tier in DEFAULT_TIERS}["backfill"]
BATCH_PART = 0.02  # of a day's refill: a batch is under way at the end
DETAILS_PART = 0.95  # of what upsert wants, when the backfill's share leaves enough for it


def shortfalls(results: Results) -> str:
    """A Markdown list; one line that says so when there is none."""
    lines = [
        f"- {scenario.rate:,} a minute, load {scenario.part:.0%}, {_length(scenario)}: {fault}"
        for scenario, result in results.items()
        if scenario.strategy == OURS
        for fault in faults(scenario, result)
    ]
    return "\n".join(lines) or "Nowhere in these runs."


def faults(scenario: Scenario, result: Result) -> list[str]:
    """What was promised and not kept in one run of ours."""
    found = []
    if result.refused:
        found.append(f"{result.refused:,} calls were refused with a 429")
    if result.expired_waiting:
        found.append(f"{result.expired_waiting:,} tokens expired while somebody waited")
    if result.backfill_part < SHARE - BATCH_PART:
        found.append(f"the backfill got {percent(result.backfill_part)} of the refill, its share is {percent(SHARE)}")
    if scenario.part <= 1 - SHARE and result.details_part < DETAILS_PART:
        found.append(
            f"{percent(result.details_part)} of the details were fetched and the backfill spent "
            f"{percent(result.backfill_part)} of the refill, though upsert asked for {percent(scenario.part)} only"
        )
    return found


def _length(scenario: Scenario) -> str:
    return "a day" if scenario.hours == DAY_H else "a week"

"""All the runs of the document, on as many processes as there are cores."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from benchmarks.scenarios.measures import Result, Story
from benchmarks.scenarios.scenario import Scenario, run
from benchmarks.scenarios.strategies import OURS, STRATEGIES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import ProcessPoolExecutor

RATES = (1, 5, 20, 25, 60, 1_200)
PARTS = (0.3, 0.6, 1.2, 4.0)
DAY_H = 24.0
WEEK_H = 168.0
WEEK_RATES = (5, 20)  # a week of every plan would take a quarter of an hour and tell nothing else
STORY_RATE, STORY_PART = 5, 1.2

Results = dict[Scenario, Result]


def scenarios(rates: Sequence[int], hours: float, seed: int) -> list[Scenario]:
    """Every load and strategy on these plans, in the order of the tables."""
    return [
        Scenario(strategy=name, rate=rate, part=part, hours=hours, seed=seed)
        for rate in rates
        for part in PARTS
        for name in STRATEGIES
    ]


def everything(seed: int) -> list[Scenario]:
    """What the document shows."""
    return scenarios(RATES, DAY_H, seed) + scenarios(WEEK_RATES, WEEK_H, seed) + [even(seed)]


def even(seed: int) -> Scenario:
    """The scenario of the pictures under ours, with products that all cost the same."""
    return Scenario(strategy=OURS, rate=STORY_RATE, part=STORY_PART, hours=DAY_H, seed=seed, with_offers=0.0)


def told(scenario: Scenario) -> Story:
    """The scenario's story."""
    story = Story()
    run(scenario, story=story)
    return story


def results(wanted: Sequence[Scenario], pool: ProcessPoolExecutor, tell: Callable[[int], None]) -> Results:
    """The results of all, the longest begun first; `tell` is called with the number done."""
    futures = {scenario: pool.submit(run, scenario) for scenario in sorted(wanted, key=_weight, reverse=True)}
    found: Results = {}
    for number, scenario in enumerate(wanted, start=1):
        found[scenario] = futures[scenario].result()
        tell(number)
    return found


def stories(hours: float, seed: int, pool: ProcessPoolExecutor) -> dict[str, Story]:
    """What happened in the scenario of the pictures, by strategy."""
    wanted = [Scenario(strategy=name, rate=STORY_RATE, part=STORY_PART, hours=hours, seed=seed) for name in STRATEGIES]
    return dict(zip(STRATEGIES, pool.map(told, wanted), strict=True))


def _weight(scenario: Scenario) -> float:
    """How long it takes, roughly: the real ledger is what costs."""
    return (scenario.strategy == OURS) * scenario.hours * math.sqrt(scenario.rate)

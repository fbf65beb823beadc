"""One run: a strategy, a plan, a load, a length of time and a seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.scenarios import actors
from benchmarks.scenarios.engine import NS_PER_S, SERVER, Engine
from benchmarks.scenarios.load import WITH_OFFERS, Load
from benchmarks.scenarios.measures import Recorder, Result, Story
from benchmarks.scenarios.server import Server, start_balance
from benchmarks.scenarios.strategies import STRATEGIES
from ledger import ManualClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.scenarios.client import Client

HOUR_S = 3600.0
START_NS = 10**15


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What to run. The same scenario gives the same result, whatever the machine."""

    strategy: str
    rate: int
    part: float
    hours: float
    seed: int
    with_offers: float = WITH_OFFERS


def run(
    scenario: Scenario,
    *,
    story: Story | None = None,
    make: Callable[[Server, ManualClock], Client] | None = None,
) -> Result:
    """The figures of the scenario; `make` puts another client in the place of the named strategy's."""
    clock = ManualClock(START_NS)
    recorder = Recorder(START_NS, start_balance(scenario.rate), story=story)
    server = Server(scenario.rate, scenario.seed, clock, recorder)
    client = (make or STRATEGIES[scenario.strategy].make)(server, clock)
    load = Load(
        rate=scenario.rate,
        part=scenario.part,
        duration_s=scenario.hours * HOUR_S,
        seed=scenario.seed,
        with_offers=scenario.with_offers,
    )
    engine = Engine(clock)
    world = actors.World(engine=engine, clock=clock, server=server, client=client, load=load, recorder=recorder)
    engine.start(server.ticks(), SERVER)
    engine.start(actors.upsert(world))
    engine.start(actors.backfill(world))
    engine.run(START_NS + round(scenario.hours * HOUR_S * NS_PER_S))
    return recorder.result(clock.now_ns(), server.bucket.refilled, server.bucket.expired)

"""A simulator for each test, over real sockets and in virtual time."""

from __future__ import annotations

import pytest

from ledger import ManualClock
from tasks.simulator.config import SimulatorConfig
from tasks.simulator.server import SimulatorServer
from tests.fixtures.simulator_calls import START_MS, TICK_S


@pytest.fixture
def make():
    """A function that starts a simulator in virtual time and gives it with its clock."""
    running = []

    def start(**settings):
        clock = ManualClock(5_000_000_000)
        config = SimulatorConfig(
            **{
                "clock": clock,
                "start_unix_ms": START_MS,
                "deals": 200,
                "phase_s": TICK_S,
                "hang_s": 30,
                "closed_share": 0.0,
            }
            | settings
        )
        sim = SimulatorServer(config)
        sim.start()
        running.append(sim)
        return sim, clock

    yield start
    for sim in running:
        sim.stop()

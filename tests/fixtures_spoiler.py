"""A simulator, and in front of it a spoiler: what the world outside makes of the API's replies."""

from __future__ import annotations

import contextlib

import pytest

from tasks.simulator.config import SimulatorConfig
from tasks.simulator.server import SimulatorServer
from tests.fakes.spoiler import Spoiler


@pytest.fixture
def spoil():
    """A function that puts a spoiler in front of the server at a URL; it has `url`, `set`, `calls` and `charged`."""
    with contextlib.ExitStack() as stack:
        yield lambda upstream, *spoilings: stack.enter_context(Spoiler(upstream, *spoilings))


@pytest.fixture
def make_spoiled(spoil):
    """A function that starts a simulator with these settings and gives the spoiler in front of it.

    `spoiler.simulator` is the simulator, whose `control()` tells what it knows.
    """
    with contextlib.ExitStack() as stack:

        def make(*spoilings, **simulator_settings):
            given = {"rate": 1_000, "tick_s": 1.0, "deals": 300}
            simulator = stack.enter_context(SimulatorServer(SimulatorConfig(**given | simulator_settings)))
            spoiler = spoil(simulator.url, *spoilings)
            spoiler.simulator = simulator
            return spoiler

        yield make

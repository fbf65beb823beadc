"""The whole system while everything around it breaks: afterwards nothing is left over, lost, or paid for twice.

Seeded: `CHAOS_SEED` chooses the events and `CHAOS_S` the seconds; every failure names both. A system with an even seed
uses a database that was there before, one with an odd seed makes its own. `WORLD_S` is the length of the other test, in
which one reply in fifty is spoiled and the database goes through each of its states once. What cannot be injected here
without privileges is a jump of the machine's clock: the clocks of ledger and supervisor have tests of their own.
"""

from __future__ import annotations

import os
import time

import pytest

from tasks.simulator.config import SimulatorConfig
from tasks.simulator.server import SimulatorServer
from tests.fakes.api.spoilings_by_effect import ENDLESS, READABLE, UNREADABLE, at_random
from tests.fakes.chaos import CHAOS_S, KEY, RATE, SEED, Chaos
from tests.fakes.chaos_verdict import judge, say

WORLD_S = float(os.environ.get("WORLD_S", "3600"))
ONE_IN = 50  # replies
LONGEST_S = 60.0  # a state of the database
AGE_S = 500.0  # of a history, when it is fetched anew
SHORT_S = 60.0  # the same where there is less time
DAY_S = 86_400


@pytest.fixture
def make(tmp_path):
    """A function that makes a system that works, and a server of the same market that can be asked for everything."""
    opened = []

    def start(deals, rate=RATE, **how):
        market = {"deals": deals, "duplicates": 0.2, "start_unix_ms": round(time.time() * 1000), "seed": SEED}
        config = SimulatorConfig(rate=rate, tick_s=0.5, keys=frozenset({KEY}), hang_s=4, latency_s=0.03, **market)
        server, oracle = (
            SimulatorServer(config),
            SimulatorServer(SimulatorConfig(rate=10**6, start_balance=10**6, **market)),
        )
        for one in (server, oracle, Chaos(tmp_path, server, **how)):
            opened.append(one)
            one.__enter__()
        opened[-1].begin()
        return opened[-1], oracle

    yield start
    for one in reversed(opened):
        one.__exit__(None, None, None)


@pytest.mark.kill
def test_a_role_that_was_told_to_pause_is_not_waited_for_after_a_kill_of_the_supervisor(make):
    chaos, _ = make(300, is_theirs=False)
    assert chaos.give("pause", "backfill") == 0
    chaos.kill_supervisor()
    assert chaos.program.until(lambda r: r["paused"], "a report")["paused"] == ["backfill"]
    chaos.calm()
    assert chaos.paused == set()
    assert chaos.program.stop() == 0


@pytest.mark.soak
@pytest.mark.timeout(CHAOS_S + 3600)
def test_nothing_is_left_over_lost_or_paid_for_twice(make):
    chaos, oracle = make(3_000, rate=6, is_theirs=SEED % 2 == 0, HISTORY_MAX_AGE_D=str(SHORT_S / DAY_S))
    say(f"seed {SEED}, {CHAOS_S:g} s, {'their' if chaos.theirs else 'its own'} database")
    ends = time.monotonic() + CHAOS_S
    while time.monotonic() < ends:
        chaos.live(chaos.chance.uniform(1.5, 4.5))
        chaos.act()
    say(f"events: {', '.join(chaos.events)}")
    chaos.calm()
    judge(chaos, oracle, age_s=SHORT_S)


@pytest.mark.world
@pytest.mark.timeout(WORLD_S + 7200)
def test_one_odd_reply_in_fifty_and_every_state_of_the_database_lose_nothing_and_end_nothing(make):
    # So few tokens and so short an age that there is always something to fetch, in many small requests.
    chaos, oracle = make(14_000, rate=6, is_theirs=True, poll_s=1, HANG_S="120", HISTORY_MAX_AGE_D=str(AGE_S / DAY_S))
    chaos.spoiler.set(*at_random(READABLE + UNREADABLE + ENDLESS, 1 / ONE_IN, chaos.chance))
    states = sorted(chaos.states())
    chaos.chance.shuffle(states)
    each_s = WORLD_S / (len(states) + 1)
    began = time.monotonic()
    for number, state in enumerate(states, 1):
        chaos.live(max(0.0, began + number * each_s - time.monotonic()))
        say(f"{time.monotonic() - began:.0f} s: {state}")
        chaos.events.append(state)
        chaos.upset(state, min(LONGEST_S, each_s / 2))
    chaos.live(max(0.0, began + WORLD_S - time.monotonic()))
    chaos.calm()
    judge(chaos, oracle, age_s=AGE_S)

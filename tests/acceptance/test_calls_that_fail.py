"""Both jobs against what answers in the API's place, in virtual time: nothing is given up, and little is paid twice."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from tasks.errors import Forbidden
from tests.fakes.quick_cases import cases

ZEROED = (
    '{"timestamp":1,"tokensLeft":0,"tokensConsumed":0,"refillIn":0,"refillRate":0,'
    '"error":{"type":"invalidParameter","message":"no"}}'
)


class Crew:
    """Two workers that load history and one that lists, taking turns."""

    def __init__(self, here, spoiler, connection):
        self.here = here
        self.database = connection
        self.jobs = [here.job("backfill", worker=f"backfill-{slot}", base_url=spoiler.url) for slot in (0, 1)]
        self.jobs.append(here.job("upsert", base_url=spoiler.url))

    def run(self, seconds, step_s=1):
        """So long on the clock of the test, by which alone the database's pauses go as well."""
        ends = self.here.clock.now_ns() + seconds * 10**9
        while self.here.clock.now_ns() < ends:
            for one in self.jobs:
                began_ns, really_s = self.here.clock.now_ns(), time.monotonic()
                self.here.run(one, step_s)
                passed_s = (self.here.clock.now_ns() - began_ns) / 10**9 - (time.monotonic() - really_s)
                self.database.execute(
                    f"update fetch_queue set ready_at = ready_at - interval '{passed_s} s' where state = 'pending'"
                )

    def conditions(self):
        """What keeps any of them from its work, as it tells with its beats."""
        return {kind for one in self.jobs for kind in one.context.beat._conditions}


@pytest.fixture
def here(town):
    return town(rate=200, start_balance=10_000, deals=300)


@pytest.fixture
def spoiler(here, spoil):
    return spoil(here.simulator.url)


@pytest.fixture
def crew(here, spoiler, conn):
    return Crew(here, spoiler, conn)


TOLD = [
    {"do": "status", "status": 404},
    {"do": "status", "status": 404, "charged": True},
    {"do": "status", "status": 400, "body": '{"error":"bad gateway"}', "type": "application/json"},
    {"do": "status", "status": 200},
    {"do": "status", "status": 200, "body": ""},
    {"do": "status", "status": 403},
    {"do": "status", "status": 204, "body": ""},
    {"do": "status", "status": 304, "body": ""},
    {"do": "status", "status": 302, "headers": {"Location": "http://127.0.0.1:9/sign-in"}},
    {"do": "status", "status": 429},
    {"do": "status", "status": 429, "body": "", "headers": {"Retry-After": "1"}},
    {"do": "status", "status": 500, "own": True, "charged": True},
    {"do": "cut"},
    {"do": "cut", "framing": "chunked"},
    {"do": "cut", "framing": "gzip"},
    {"do": "reset"},
]
NAMED = {" ".join(str(value) for value in told.values())[:40]: told for told in TOLD}
OFTEN = ("cut gzip",)


@pytest.mark.parametrize("told", cases(NAMED, OFTEN))
def test_two_minutes_of_what_is_not_the_api_give_up_nothing_and_are_hardly_paid_for(here, spoiler, crew, told):
    spoiler.set({**told, "endpoint": "/product"})
    crew.run(29)
    calls = spoiler.calls("/product")
    asked = Counter((asin, call["query"]["history"]) for call in calls for asin in call["asins"].split(","))
    assert set(asked.values()) <= {1, 2}, "the same request, at most twice in half a minute"
    crew.run(91)
    assert 3 <= len(spoiler.calls("/product")) <= 16
    assert "calls" in crew.conditions()
    assert here.rows("select count(*) from products") == [(0,)]
    assert here.rows("select count(*) from quarantine") == [(0,)]
    assert here.rows("select count(*) from fetch_queue where attempts > 0 or state = 'given up'") == [(0,)]
    spoiler.set()
    crew.run(600, step_s=5)
    assert here.rows("select count(*) from fetch_queue where state <> 'done'") == [(0,)]
    assert here.rows("select count(*) from products") > [(50,)]
    assert here.rows("select max(failures) from fetch_queue") == [(0,)]
    assert crew.conditions() == set()


def test_one_challenge_in_front_of_every_endpoint_ends_nothing(here, spoiler, crew):
    for status in (401, 402, 403):
        once = {"do": "status", "status": status, "times": 1}
        spoiler.set(once, {**once, "endpoint": "/product"}, {**once, "endpoint": "/token"})
        crew.run(60)
    assert here.rows("select count(*) from products") > [(50,)]


def test_the_apis_own_word_about_the_key_ends_the_run_at_once(spoiler, crew):
    spoiler.set({"do": "status", "status": 402, "body": ZEROED, "type": "application/json"})
    with pytest.raises(Forbidden, match="check the subscription"):
        crew.run(10)


@pytest.mark.kill
def test_refusals_in_a_row_of_different_items_pause_and_are_told_before_many_items_are_given_up(here, spoiler, crew):
    spoiler.set({"do": "status", "status": 400, "body": ZEROED, "type": "application/json", "endpoint": "/product"})
    crew.run(900, step_s=5)
    assert len(spoiler.calls("/product")) < 60
    assert "refusals" in crew.conditions()
    assert here.rows("select count(*) from fetch_queue where state = 'given up'") < [(20,)]
    spoiler.set()
    crew.run(900, step_s=5)
    assert here.rows("select count(*) from fetch_queue where state = 'pending'") == [(0,)]
    assert crew.conditions() == set()

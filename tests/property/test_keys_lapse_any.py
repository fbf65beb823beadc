"""Keys that lapse and come back at any time: each rests alone, is asked for now and then, and costs no other a step."""

import io
from itertools import pairwise
from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import ManualClock
from tasks.errors import Forbidden
from tasks.jobs import key_loop
from tasks.jobs.key_job import FIRST_REST_S, LONGEST_REST_S, KeyJob
from tasks.jobs.run_loop import PLACE_NAP_S
from tasks.runtime.heartbeat_writer import HeartbeatWriter
from tasks.runtime.job import Idle, StepDone
from tasks.runtime.key_heartbeat import KeyBoard
from tasks.runtime.log import stream_logger
from tests.fixtures.keys import Until

NS = 10**9
LENGTH_S = 2 * 3_600
STEP_S = 1
# Of each key: whether it always has work, and in which minutes it is refused, as pairs of when and how long.
LAPSES = st.lists(st.tuples(st.integers(0, 110), st.integers(1, 60)), max_size=3)
KEYS = st.lists(st.tuples(st.booleans(), LAPSES), min_size=2, max_size=5)


class Served:
    """The job of one key, which the server refuses at times; `steps`, `refused` and `asked` are when that was."""

    def __init__(self, name, clock, board, *, is_busy, lapses):
        self._clock, self._began_ns, self._is_busy = clock, clock.now_ns(), is_busy
        self._lapses = [(begin * 60, (begin + length) * 60) for begin, length in lapses]
        self.steps, self.refused, self.asked = [], [], []
        self.context = SimpleNamespace(
            settings=SimpleNamespace(key_name=name), clock=clock, beat=board.of(name), log=stream_logger(io.StringIO())
        )

    def now_s(self):
        return (self._clock.now_ns() - self._began_ns) / NS

    def is_lapsed(self, at_s):
        return any(begin <= at_s < end for begin, end in self._lapses)

    def ends_s(self):
        """When the key is served again, after each of its lapses."""
        return [end for _, end in self._lapses if not self.is_lapsed(end)]

    def step(self):
        if self.is_lapsed(self.now_s()):
            self.refused.append(self.now_s())
            raise Forbidden("402")
        self.steps.append(self.now_s())
        self._clock.advance_s(STEP_S)
        until_ns = self._clock.now_ns() + 60 * NS
        return StepDone(completes=True) if self._is_busy else Idle(until_ns=until_ns, phase="waiting_tokens", why="-")

    def ask(self):
        self.asked.append(self.now_s())
        if self.is_lapsed(self.now_s()):
            raise Forbidden("402")


@settings(deadline=None, max_examples=30)
@given(KEYS)
def test_a_key_that_lapses_rests_alone_and_is_served_again_within_a_quarter_of_an_hour(keys):
    clock, beats = ManualClock(10**15), []
    beat, stop = HeartbeatWriter(beats.append, clock), Until(clock)
    board = KeyBoard(beat)
    served = [
        Served(f"key{at}", clock, board, is_busy=is_busy, lapses=lapses) for at, (is_busy, lapses) in enumerate(keys)
    ]
    jobs = [KeyJob(one) for one in served]
    stop.ends_ns = clock.now_ns() + LENGTH_S * NS
    try:
        key_loop.run(jobs, beat, stop, clock, once=False)
    except Forbidden:
        assert all(job.refusal is not None for job in jobs)
    over_s = served[0].now_s()
    turn_s = len(keys) * STEP_S + PLACE_NAP_S
    for one, job, (_, lapses) in zip(served, jobs, keys, strict=True):
        assert len(one.refused) <= len(lapses), "what would cost tokens is asked once"
        asked = [*one.refused, *one.asked]
        assert all(at_s - before_s >= FIRST_REST_S for before_s, at_s in pairwise(sorted(asked)) if at_s in one.asked)
        for end_s in one.ends_s():
            until_s = end_s + LONGEST_REST_S + turn_s
            lapses_again = any(end_s < begin * 60 <= until_s for begin, _ in lapses)
            if until_s <= over_s and not lapses_again:
                assert any(end_s <= at_s <= until_s for at_s in one.steps)
        if not lapses:
            assert max((b - a for a, b in pairwise([*one.steps, over_s])), default=0) <= turn_s
        told = {found["kind"] for found in beats[-1]["conditions"]} if beats else set()  # nothing was worth a beat
        assert (f"key {one.context.settings.key_name}" in told) == (job.refusal is not None)

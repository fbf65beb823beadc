"""The second signal: it kills when it came half a second after the first was told, and is the same wish before."""

from __future__ import annotations

import signal

from hypothesis import given
from hypothesis import strategies as st

from ledger import ManualClock
from supervisor.eventloop.loop import Loop
from supervisor.logs.log import Log, as_json
from supervisor.tree.stop_signals import StopSignals
from tasks.redaction import Redactor

HALF_MS = 500
NUMBERS = st.sampled_from((signal.SIGINT, signal.SIGTERM, signal.SIGHUP))


@given(NUMBERS, st.lists(st.tuples(st.integers(0, 1_000), st.booleans(), NUMBERS), max_size=8))
def test_only_what_came_half_a_second_after_the_first_was_told_is_another_wish(first, others):
    """What comes while the loop is held up may have come sooner than it is handed over: that is the same wish."""
    clock, lines, stopped, killed = ManualClock(10**12), [], [], []
    with Loop(clock) as loop:
        log = Log(lines.append, render=as_json, redactor=Redactor())
        signals = StopSignals(loop, log, stop=stopped.append, kill=killed.append)
        signals.receive(first)
        told_ms, killers, is_another = 0, [], False
        for after_ms, is_loop_free, number in others:
            clock.advance_s(after_ms / 1_000)
            told_ms += after_ms
            if is_loop_free:
                loop.wake()
                loop.step()
                is_another |= told_ms >= HALF_MS
            signals.receive(number)
            killers += [number] if is_another else []
    assert stopped == [0]
    assert killed == killers[:1]
    assert len(lines) == 1 + len(killed), "each is told once"

"""A worker whose ledger cannot be used: it waits, reports that, and ends at a stop or after a while."""

from __future__ import annotations

import io
import threading
from types import SimpleNamespace

import pytest

from ledger import ManualClock, OtherFormat
from tasks.errors import DatabaseTransient
from tasks.ingest.ledger_patience import LedgerPatience
from tasks.runtime.heartbeat_writer import HeartbeatWriter
from tasks.runtime.log import stream_logger
from tasks.store.ledger_row.patience import HEARD_S, LOOK_S

NEWER = OtherFormat("the ledger was written by a newer version", 7)


class Stop(threading.Event):
    """A stop that takes no time to wait for."""

    def __init__(self, clock):
        super().__init__()
        self.clock = clock
        self.waited_s = 0.0

    def wait(self, timeout=None):
        self.waited_s += timeout
        self.clock.advance_s(timeout)
        return self.is_set()


@pytest.fixture
def told():
    return []


@pytest.fixture
def context(told):
    clock, text = ManualClock(10**12), io.StringIO()
    beat = HeartbeatWriter(told.append, clock)
    return SimpleNamespace(clock=clock, stop=Stop(clock), beat=beat, log=stream_logger(text), text=text)


def test_a_book_of_a_newer_build_is_waited_for_and_reported_and_ends_the_worker_after_a_while(context, told):
    patience = LedgerPatience(context)
    with pytest.raises(OtherFormat):
        for _ in range(1000):
            patience.unreadable(NEWER)
    assert context.stop.waited_s == HEARD_S
    (condition,) = told[-1]["conditions"]
    assert (condition["kind"], condition["why"]) == ("database", "the ledger was written by a newer version")


def test_a_book_that_can_be_read_again_is_reported_too_and_the_next_wait_is_a_new_one(context, told):
    patience = LedgerPatience(context)
    for _ in range(2):
        for _ in range(round(HEARD_S / LOOK_S)):
            patience.unreadable(NEWER)
        patience.over()
    assert context.stop.waited_s == 2 * HEARD_S
    assert told[-1]["conditions"] == []


@pytest.mark.parametrize("error", [NEWER, DatabaseTransient("away")])
def test_a_stop_ends_the_wait_at_once(context, error):
    context.stop.set()
    patience = LedgerPatience(context)
    wait = patience.unreadable if error is NEWER else patience.failed
    with pytest.raises(type(error)):
        wait(error)
    assert context.stop.waited_s == 0

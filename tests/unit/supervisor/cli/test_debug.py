"""Debug mode lets its jobs take turns, and sleeps no longer than each of them can wait."""

import pytest

from ledger import NS_PER_S
from ledger.model import waiters
from supervisor.cli import debug
from tasks.runtime.job import Idle

NOW_NS = 10**15
HOUR_NS = 3600 * NS_PER_S


def idle(phase, until_ns):
    return Idle(until_ns=until_ns, phase=phase, why="")


def test_a_job_that_waits_for_tokens_looks_before_its_place_in_the_queue_is_lost():
    nap_s = debug._nap_s([idle("waiting_tokens", NOW_NS + HOUR_NS)], NOW_NS)
    assert 0 < nap_s * NS_PER_S < waiters.LAPSE_NS


def test_others_sleep_until_the_first_is_due():
    waits = [idle("waiting_poll", NOW_NS + HOUR_NS), idle("calling", NOW_NS + HOUR_NS // 2)]
    assert debug._nap_s(waits, NOW_NS) == pytest.approx(1800)
    assert debug._nap_s([idle("waiting_work", None)], NOW_NS) == debug._NAP_S
    assert debug._nap_s([idle("waiting_tokens", NOW_NS - 1)], NOW_NS) == 0

"""A place asks again when something may have changed, and not before: the wait of a request, sleep by sleep."""

import pytest

from ledger import Stopped, TimedOut, Wait
from ledger.place import Place

S = 1_000_000_000
LEASE = object()


class Script:
    """A ledger that answers each attempt as told, and of which each sleep ends as told: (time, whether it changed)."""

    def __init__(self, answers, sleeps):
        self.answers, self.sleeps, self.asked_at, self.now_ns, self.ends = answers, list(sleeps), [], 0, []

    def attempt(self, place, _cost, _shape):
        place.ticket = 1
        self.asked_at.append(self.now_ns)
        return self.answers[min(len(self.asked_at), len(self.answers)) - 1]

    def look_ns(self, *, is_behind):
        return S if is_behind else 5 * S

    def sleep_until(self, _place, until_ns):
        self.ends.append(until_ns)
        self.now_ns, has_changed = self.sleeps.pop(0)
        return self.now_ns, has_changed


def waits(until_s, reason="floor"):
    return Wait(until_ns=None if until_s is None else until_s * S, latest_ns=None, reason=reason)


def asked(answer, sleeps, **options):
    """The seconds at which the place asked."""
    script = Script([answer, LEASE], [(round(at * S), changed) for at, changed in sleeps])
    assert Place(script, "upsert").wait(5, **options) is LEASE
    assert script.sleeps == []
    return [at / S for at in script.asked_at]


def test_it_asks_again_at_once_when_the_book_has_changed():
    assert asked(waits(60), [(0.5, False), (0.7, True)]) == [0, 0.7]


def test_it_asks_again_at_the_time_it_was_told_and_sleeps_till_then():
    script = Script([waits(2), LEASE], [(S, False), (2 * S, False)])
    Place(script, "upsert").wait(5)
    assert (script.asked_at, script.ends) == ([0, 2 * S], [2 * S, 2 * S])


def test_without_any_event_it_looks_after_five_seconds():
    sleeps = [(0.5 + number * 0.5, False) for number in range(11)]
    assert asked(waits(60), sleeps) == [0, 5.5]


def test_behind_others_it_looks_after_one_second_and_heeds_no_time():
    assert asked(waits(0, "queue"), [(0.5, False), (1, False), (1.5, False)]) == [0, 1.5]


def test_a_stop_is_heard_after_each_sleep():
    class Stop:
        count = 0

        def is_set(self):
            self.count += 1
            return self.count == 3

    script = Script([waits(60)], [(S // 2, False), (S, False)])
    with pytest.raises(Stopped):
        Place(script, "upsert").wait(5, stop=Stop())
    assert script.asked_at == [0]


def test_after_its_time_it_asks_once_more_and_gives_up():
    script = Script([waits(60)], [(S, False), (2 * S, False)])
    with pytest.raises(TimedOut):
        Place(script, "upsert").wait(5, deadline_ns=2 * S)
    assert (script.asked_at, script.ends) == ([0, 2 * S], [2 * S, 2 * S])

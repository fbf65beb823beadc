"""Which hosts are dead: never one that beats whenever the database serves, and soon each that does not."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.store.ledger_row.beat_watch import GAP_S
from tasks.store.ledger_row.host_watch import HostWatch
from tasks.store.ledger_row.hosts import BEAT_S, Host
from tasks.store.ledger_row.statements import TTL_S

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
ME, OTHER = 1, 2
LOOK_S = 1.0


def host(number, *, beat_s, left=False, state=None, joined_s=0.0):
    beat_at = EPOCH + timedelta(seconds=beat_s)
    return Host(
        number=number, id=f"{state or number} boot-{number}", name=str(number), version="1",
        joined_at=EPOCH + timedelta(seconds=joined_s), beat_at=beat_at, left_at=beat_at if left else None,
        silent_s=0.0, workers=(),
    )  # fmt: skip


@dataclass
class World:
    """Two hosts and their database. Its clock, which may be set, is `clock_s(now_s)`; outages are spans of `now_s`."""

    outages: list[tuple[float, float]]
    sets: list[tuple[float, float]]
    dies_at_s: float
    delay_s: float
    watch: HostWatch = field(default_factory=lambda: HostWatch(ME))

    def serves(self, now_s):
        return not any(begin <= now_s < begin + length for begin, length in self.outages)

    def clock_s(self, now_s):
        return now_s + sum(by for at, by in self.sets if at <= now_s)

    def run(self, end_s):
        """When the other was called dead, and since when the database has served without a gap."""
        step_s, beats, tried, looked, quiet = 0.5, {ME: 0.0, OTHER: 0.0}, {ME: 0.0, OTHER: self.delay_s}, 0.0, 0.0
        now_s = 0.0
        while now_s < end_s:
            now_s += step_s
            if not self.serves(now_s):
                quiet = now_s
                continue
            for number in (ME, OTHER):
                # Whoever could not beat in time does so as soon as it can.
                if now_s - tried[number] >= BEAT_S and (number == ME or now_s < self.dies_at_s):
                    beats[number], tried[number] = self.clock_s(now_s), now_s
            if now_s - looked >= LOOK_S:
                looked = now_s
                if self.watch.dead([host(number, beat_s=beats[number]) for number in (ME, OTHER)], now_s):
                    return now_s, quiet
        return None, quiet


SPANS = st.tuples(st.floats(0, 300), st.floats(0.5, 120))
SETS = st.tuples(st.floats(0, 300), st.floats(-86_400, 86_400))


@given(st.lists(SPANS, max_size=4), st.lists(SETS, max_size=2), st.floats(0, BEAT_S))
def test_a_host_that_beats_whenever_the_database_serves_is_never_called_dead(outages, sets, delay_s):
    called_s, _ = World(outages, sets, float("inf"), delay_s).run(450)
    assert called_s is None


@given(st.lists(SPANS, max_size=4), st.lists(SETS, max_size=2), st.floats(0, 300), st.floats(0, BEAT_S))
def test_a_dead_host_is_called_so_within_20_s_in_which_the_database_serves(outages, sets, dies_at_s, delay_s):
    called_s, quiet_s = World(outages, sets, dies_at_s, delay_s).run(1000)
    assert called_s is not None
    assert called_s <= max(dies_at_s, quiet_s) + 20


def test_a_host_that_left_is_dead_at_once():
    found = [host(ME, beat_s=0), host(OTHER, beat_s=0, left=True)]
    assert [one.number for one in HostWatch(ME).dead(found, 0.0)] == [OTHER]


@pytest.mark.parametrize(("gap_s", "is_dead"), [(GAP_S, True), (GAP_S + 0.1, False)])
def test_who_has_not_looked_for_long_judges_nobody(gap_s, is_dead):
    watch, times_s = HostWatch(ME), [0.0, 2.5, 2.5 + gap_s, 5.0 + gap_s, TTL_S + 5.0]
    for now_s in times_s:
        dead = watch.dead([host(ME, beat_s=now_s), host(OTHER, beat_s=0)], now_s)
    assert bool(dead) is is_dead


def test_who_is_not_among_the_hosts_judges_nobody():
    watch = HostWatch(3)
    for now_s in (0.0, 5.0, 10.0, 20.0):
        assert watch.dead([host(OTHER, beat_s=0, left=True)], now_s) == []


@pytest.mark.parametrize(
    ("beats_s", "other", "is_copy"),
    [
        ((0.0, 5.0, 10.0), {"state": "mine"}, True),
        ((0.0, -60.0, -55.0), {"state": "mine"}, True),  # the clock was set back meanwhile
        ((0.0, 0.0, 0.0), {"state": "mine"}, False),  # what ran here before
        ((0.0, -60.0, -60.0), {"state": "mine"}, False),  # likewise, and a back-up was restored
        ((0.0, 5.0, 10.0), {"state": "mine", "left": True}, False),
        ((0.0, 5.0, 10.0), {}, False),
    ],
)
def test_the_host_that_came_later_is_the_copy_while_the_earlier_one_beats(beats_s, other, is_copy):
    earlier, later = HostWatch(ME), HostWatch(OTHER)
    for now_s, beat_s in enumerate(beats_s):
        found = [host(ME, beat_s=beat_s, joined_s=20.0, **other), host(OTHER, beat_s=now_s, state="mine")]
        later.dead(found, float(now_s))
        earlier.dead(found, float(now_s))
    assert (later.original(found) is not None) is is_copy
    assert earlier.original(found) is None


def test_beats_of_before_a_gap_do_not_count_for_a_copy():
    watch = HostWatch(OTHER)
    for now_s, beat_s in ((0.0, 0.0), (5.0, 5.0), (30.0, 7.0), (31.0, -9.0)):
        found = [host(ME, beat_s=beat_s, state="mine"), host(OTHER, beat_s=now_s, state="mine")]
        watch.dead(found, now_s)
        assert watch.original(found) is None


@dataclass
class Twins:
    """Two hosts with copies of one state directory, and what each has seen; both look every 5 s from their start on."""

    started_s: dict[int, float]
    now_s: float = 0.0
    watches: dict[int, HostWatch] = field(default_factory=dict)
    ended: list[int] = field(default_factory=list)

    def run(self, until_s):
        """Which of them end as copies, up to a moment."""
        while self.now_s < until_s:
            running = [number for number, at_s in self.started_s.items() if at_s <= self.now_s]
            running = [number for number in running if number not in self.ended]
            found = [
                host(number, beat_s=self.now_s, state="mine", joined_s=at_s, left=number in self.ended)
                if at_s <= self.now_s
                else host(number, beat_s=-500.0, state="mine", joined_s=-1e6)  # as it was left when it was killed
                for number, at_s in self.started_s.items()
            ]
            for number in running:
                watch = self.watches.setdefault(number, HostWatch(number))
                watch.dead(found, self.now_s)
                if watch.original(found) is not None:
                    self.ended.append(number)
            self.now_s += BEAT_S
        return self.ended


@pytest.mark.parametrize("later_s", [30.0 + BEAT_S, 60.0, 86_400.0])
@pytest.mark.parametrize("later", [ME, OTHER])
def test_the_one_that_is_started_while_the_other_works_is_the_copy_whatever_its_number(later, later_s):
    started = {number: later_s if number == later else 0.0 for number in (ME, OTHER)}
    assert Twins(started).run(later_s + 60) == [later]


@pytest.mark.parametrize("later_s", [0.0, 5.0, 15.0, 25.0])
def test_of_two_that_are_started_at_once_one_ends(later_s):
    for started in ({ME: 0.0, OTHER: later_s}, {ME: later_s, OTHER: 0.0}):
        assert len(Twins(started).run(200)) == 1


@dataclass
class Copied:
    """Host 3 works from the beginning on, host 7 is started from a copy of its state directory at `copied_s`.

    Host 3 is drained and joins again in `drained`; the database is away in `away`. A back-up of before is restored at
    `restored_s`: the entry of host 3 is an older one then, and host 7 enters again with its next beat.
    """

    copied_s: float
    drained: tuple[float, float] = (-2.0, -1.0)
    away: tuple[float, float] = (-2.0, -1.0)
    restored_s: float = -1.0
    first: int = 3
    second: int = 7

    def ended(self, phase_s):
        """Which ends first as a copy, and who does so at the same look."""
        watches = {number: HostWatch(number) for number in (self.first, self.second)}
        for now_s in range(int(self.copied_s) + 300):
            if self.away[0] <= now_s < self.away[1]:
                continue
            begin, end = self.drained
            joined_s = end if 0 <= end <= now_s else -100.0
            if 0 <= self.restored_s <= now_s:
                joined_s = -50.0
            is_drained = begin <= now_s < end
            found = [
                host(
                    self.first,
                    beat_s=begin if is_drained else now_s - (now_s + phase_s) % BEAT_S,
                    state="mine",
                    left=is_drained,
                    joined_s=joined_s,
                )
            ]
            joined_s = self.copied_s + (self.restored_s + BEAT_S - self.copied_s) * (0 <= self.restored_s <= now_s)
            if now_s >= max(joined_s, self.copied_s):
                beat_s = max(now_s - now_s % BEAT_S, joined_s)
                found.append(host(self.second, beat_s=beat_s, state="mine", joined_s=joined_s))
            for one in found:
                watches[one.number].dead(found, float(now_s))
            ended = [one.number for one in found if one.left_at is None and watches[one.number].original(found)]
            if ended:
                return ended
        return []


NUMBERS = st.sampled_from([(3, 7), (7, 3)])


@given(st.integers(60, 120), st.integers(0, 200), st.floats(0, BEAT_S), NUMBERS)
def test_the_one_that_joins_again_is_the_copy_of_one_that_began_meanwhile(copied_s, later_s, phase_s, numbers):
    """It was drained and its directory copied. Shortly after the start of the other it is the one with the number."""
    case = Copied(copied_s, (50.0, copied_s + later_s), first=numbers[0], second=numbers[1])
    assert case.ended(phase_s) == [numbers[0] if later_s > 2 * TTL_S else 7]


@given(st.integers(60, 100), st.integers(0, 150), st.integers(1, 5), st.floats(0, BEAT_S), NUMBERS)
def test_the_copy_ends_though_the_database_goes_away_as_it_starts(copied_s, length_s, later_s, phase_s, numbers):
    away = (copied_s + later_s, copied_s + later_s + length_s)
    case = Copied(copied_s, away=away, first=numbers[0], second=numbers[1])
    assert case.ended(phase_s) == [numbers[1]]


@given(st.integers(60, 100), st.integers(0, 9), st.floats(0, BEAT_S), NUMBERS)
def test_the_copy_ends_though_a_back_up_is_restored_as_it_starts(copied_s, later_s, phase_s, numbers):
    case = Copied(copied_s, restored_s=copied_s + later_s, first=numbers[0], second=numbers[1])
    assert case.ended(phase_s) == [numbers[1]]


@pytest.mark.parametrize("number", [ME, OTHER])
def test_of_two_that_beat_side_by_side_undecided_for_long_the_one_with_the_higher_number_ends(number):
    """The other one joined again in the first 15 s, so this one cannot tell; nor can that one, of an older build."""
    watch, ended_s = HostWatch(number), None
    for now_s in range(200):
        other = host(ME + OTHER - number, beat_s=now_s // BEAT_S, state="mine", joined_s=0.0 if now_s > 5 else -9.0)
        found = [host(number, beat_s=now_s, state="mine", joined_s=-100.0), other]
        watch.dead(found, float(now_s))
        if watch.original(found) is not None and ended_s is None:
            ended_s = now_s
    assert ended_s == (60 if number == OTHER else None)

"""Whether a copy of this process beats too: of two, one ends and one goes on; a process alone never ends."""

from __future__ import annotations

import copy
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tasks.store.ledger_row.hosts import BEAT_S
from tasks.store.ledger_row.twin_watch import TwinWatch

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
MOST_BEATS = 6  # of each, until one of two has ended; two more for each time that the clock is set
SETS = st.lists(st.integers(-86_400, 86_400), max_size=4)
BACK = st.lists(st.integers(-86_400, 0), max_size=1)
SEEDS = st.integers(0, 1 << 32)


@dataclass
class Entry:
    """What stands in the table of hosts for all copies. The clock of the database may be set at any time."""

    set_by: list[int]
    chance: random.Random
    now_s: float = 0.0
    beat_at: datetime = EPOCH
    before: list[datetime] = field(default_factory=list)

    def write(self):
        if self.set_by and self.chance.random() < 0.2:
            self.now_s += self.set_by.pop()
        self.now_s += 0.001
        self.before.append(self.beat_at)
        self.beat_at = EPOCH + timedelta(seconds=self.now_s)
        return self.beat_at

    def lose(self, beats):
        """A replica takes over that lacks the last beats."""
        for _ in range(min(beats, len(self.before))):
            self.beat_at = self.before.pop()


@dataclass
class Copy:
    entry: Entry
    due_s: float = 0.0
    watch: TwinWatch = field(default_factory=TwinWatch)

    def beats(self, *, is_lost=False):
        """One turn; False when it has ended."""
        if self.watch.finds(self.entry.beat_at):
            return False
        at = self.entry.write()
        self.watch.beat(None if is_lost else at)
        return True

    def copied(self, due_s):
        """The machine is copied while it runs, with all that this process knows."""
        twin = Copy(self.entry, due_s)
        twin.watch = copy.copy(self.watch)
        return twin


def live(copies, chance, beats):
    """Let them beat, each every 5 to 6 s; those that go on, and how often each has beaten until the others ended."""
    done = 0
    while len(copies) > 1 and done < beats * len(copies):
        one = min(copies, key=lambda each: each.due_s)
        done += 1
        if not one.beats():
            copies = [other for other in copies if other is not one]
        one.due_s += BEAT_S + chance.random()
    return copies


@given(SETS, SEEDS, st.integers(0, 10), st.floats(0, 6), st.floats(0, 6))
def test_of_two_copies_of_a_running_machine_one_ends_and_one_goes_on(sets, seed, before, first_s, second_s):
    chance = random.Random(seed)
    one = Copy(Entry(sets, chance), first_s)
    for _ in range(before):
        assert one.beats()
    left = live([one, one.copied(second_s)], chance, MOST_BEATS + 2 * len(sets))
    assert len(left) == 1
    assert all(left[0].beats() for _ in range(10))


@given(BACK, SEEDS, st.floats(0, 6))
def test_a_copy_that_is_started_over_the_entry_of_the_other_is_the_one_that_ends(sets, seed, phase_s):
    chance = random.Random(seed)
    entry = Entry(sets, chance)
    first = Copy(entry, phase_s)
    for _ in range(10):
        assert first.beats()
    entry.write()  # the start of the copy joins
    assert live([first, Copy(entry, BEAT_S)], chance, MOST_BEATS + 2 * len(sets)) == [first]


@given(SETS, SEEDS, st.lists(st.booleans(), max_size=30))
def test_a_process_alone_goes_on_though_answers_are_lost(sets, seed, losses):
    """When an answer is lost, it is not known whether the beat is there."""
    one = Copy(Entry(sets, random.Random(seed)))
    assert all(one.beats(is_lost=is_lost) for is_lost in losses)


@given(SETS, SEEDS, st.lists(st.sampled_from(["beats", "joins", "writes", "has joined"]), max_size=40))
def test_a_process_alone_goes_on_whenever_it_joins_again(sets, seed, steps):
    """Its answer may be lost, and the next try join too; a beat may come between any two of these steps."""
    one = Copy(Entry(sets, random.Random(seed)))
    is_joining = False
    for step in steps:
        if step == "joins":
            one.watch.begin_join()
            is_joining = True
        elif step == "writes" and is_joining:
            one.entry.write()
        elif step == "has joined":
            one.watch.end_join()
            is_joining = False
        elif step == "beats":
            assert one.beats()


@given(SETS, SEEDS, st.integers(0, 10), st.floats(0, 6), st.floats(0, 6))
def test_of_two_copies_one_ends_though_one_has_joined_again(sets, seed, before, first_s, second_s):
    chance = random.Random(seed)
    one = Copy(Entry(sets, chance), first_s)
    two = one.copied(second_s)
    live([one, two], chance, before)
    one.watch.begin_join()
    one.entry.write()
    one.watch.end_join()
    assert len(live([one, two], chance, MOST_BEATS + 1 + 2 * len(sets))) == 1


@given(st.integers(0, 20))
def test_a_back_up_that_is_restored_makes_nobody_end(beats):
    one = Copy(Entry([], random.Random(1)))
    for _ in range(beats):
        assert one.beats()
    one.entry.beat_at = EPOCH - timedelta(days=1)
    assert all(one.beats() for _ in range(10))


@given(SETS, SEEDS, st.lists(st.one_of(st.sampled_from(["beats", "answer is lost"]), st.integers(1, 20)), max_size=60))
def test_a_process_alone_goes_on_though_the_database_loses_its_last_beats(sets, seed, steps):
    """As after a failover to a replica that lagged, also in the first seconds and with a clock that is set."""
    one = Copy(Entry(sets, random.Random(seed)))
    for step in steps:
        if isinstance(step, int):
            one.entry.lose(step)
        else:
            assert one.beats(is_lost=step == "answer is lost")


@given(SEEDS, st.integers(0, 10), st.lists(st.booleans(), max_size=12), st.floats(0, 6), st.booleans())
def test_of_two_copies_one_ends_and_one_goes_on_though_the_database_loses_beats(
    seed, before, losses, second_s, is_anew
):
    """Whichever of the two: also a start of the copy over the entry, which is to end when nothing is lost."""
    chance = random.Random(seed)
    one = Copy(Entry([], chance))
    for _ in range(before):
        assert one.beats()
    two = Copy(one.entry, second_s) if is_anew else one.copied(second_s)
    left = [one, two]
    for is_lost in losses:
        left = live(left, chance, 0.5)
        if is_lost:
            one.entry.lose(1)
    (other,) = live(left, chance, MOST_BEATS * 2)
    assert all(other.beats() for _ in range(10))


@given(SEEDS, st.integers(1, 10), st.integers(4, 10_000), st.booleans())
def test_who_was_suspended_while_its_copy_went_on_ends_at_once_and_the_copy_never(seed, before, beats, is_settled):
    """Its first look is enough, and it leaves no beat that the other one could take for that of a copy."""
    entry = Entry([], random.Random(seed))
    suspended = Copy(entry)
    for _ in range(before):
        assert suspended.beats()
    other = suspended.copied(0.0)
    if not is_settled:
        other.watch = TwinWatch()  # it was started anew over the entry
    for _ in range(beats % 50 + 4):
        entry.now_s += BEAT_S
        assert other.beats()
    assert not suspended.beats()
    for _ in range(5):
        entry.now_s += BEAT_S
        assert other.beats()


@given(SEEDS, st.floats(0, 1e6))
def test_who_was_suspended_and_has_no_copy_goes_on(seed, length_s):
    one = Copy(Entry([], random.Random(seed)))
    assert one.beats()
    one.entry.now_s += length_s
    assert all(one.beats() for _ in range(5))

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
MOST_BEATS = 6  # of each, until one of two has ended
SETS = st.lists(st.integers(-86_400, 86_400), max_size=4)
BACK = st.lists(st.integers(-86_400, 0), max_size=4)
SEEDS = st.integers(0, 1 << 32)


@dataclass
class Entry:
    """What stands in the table of hosts for all copies. The clock of the database may be set at any time."""

    set_by: list[int]
    chance: random.Random
    now_s: float = 0.0
    beat_at: datetime = EPOCH

    def write(self):
        if self.set_by and self.chance.random() < 0.2:
            self.now_s += self.set_by.pop()
        self.now_s += 0.001
        self.beat_at = EPOCH + timedelta(seconds=self.now_s)
        return self.beat_at


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
    left = live([one, one.copied(second_s)], chance, MOST_BEATS)
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
    assert live([first, Copy(entry, BEAT_S)], chance, MOST_BEATS) == [first]


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
    assert len(live([one, two], chance, MOST_BEATS + 1)) == 1


def test_a_back_up_that_is_restored_makes_nobody_end():
    one = Copy(Entry([], random.Random(1)))
    for _ in range(20):
        assert one.beats()
    one.entry.beat_at = EPOCH - timedelta(days=1)
    assert all(one.beats() for _ in range(10))


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

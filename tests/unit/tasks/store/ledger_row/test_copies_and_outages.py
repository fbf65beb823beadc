"""Of two hosts with copies of one state directory exactly one ends, whatever keeps either from its first look.

The database goes away, a machine is suspended, the clock of the database is set: what each sees of the other comes late
then, and neither may take itself for the copy because of that while the other one does too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from tasks.store.ledger_row.host_watch import HostWatch
from tasks.store.ledger_row.hosts import BEAT_S, Host
from tasks.store.ledger_row.statements import TTL_S

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
LEAVES_S = 3  # from the look that says so until the others can see that it left
SETTLED_S = 150  # of looks and beats of both, after which one of them has ended

Spans = list[tuple[int, int]]


def within(spans: Spans, now_s: int) -> bool:
    return any(begin <= now_s < begin + length for begin, length in spans)


@dataclass
class Process:
    """One of the two: it joins as soon as it can, looks every second, and beats every five, as the program does."""

    number: int
    starts_s: int
    suspended: Spans
    watch: HostWatch = field(init=False)
    entry: Host | None = None
    beat_s: int = 0
    ended_s: int | None = None

    def __post_init__(self) -> None:
        self.watch = HostWatch(self.number)

    def writes(self, now_s: int, at: datetime) -> None:
        if self.entry is None or at - self.entry.beat_at > timedelta(seconds=TTL_S):
            joined_at = at
        else:
            joined_at = self.entry.joined_at
        self.beat_s = now_s
        self.entry = Host(
            number=self.number, id=f"same boot-{self.number}", name="one", version="1", joined_at=joined_at,
            beat_at=at, left_at=None, silent_s=0.0, workers=(),
        )  # fmt: skip


def run(processes: list[Process], away: Spans, sets: Spans) -> list[int]:
    """Which of them ended as copies, in order."""
    ended: list[int] = []
    both_s = now_s = 0
    while both_s < SETTLED_S and now_s < 3_000:
        now_s += 1
        is_there = not within(away, now_s)
        at = EPOCH + timedelta(seconds=now_s + sum(by for set_s, by in sets if set_s <= now_s))
        at_work = [
            one
            for one in processes
            if one.ended_s is None and now_s >= one.starts_s and is_there and not within(one.suspended, now_s)
        ]
        both_s = both_s + 1 if len(at_work) == len(processes) else 0
        for one in at_work:
            if one.entry is None or now_s - one.beat_s >= BEAT_S:
                is_join = one.entry is None
                one.writes(now_s, at)
                if is_join:
                    continue  # it looks a second later
            gone = [
                other.number for other in processes if other.ended_s is not None and now_s - other.ended_s > LEAVES_S
            ]
            found = [other.entry for other in processes if other.entry is not None and other.number not in gone]
            one.watch.dead(found, float(now_s))
            if one.watch.original(found) is not None:
                one.ended_s = now_s
                ended.append(one.number)
        if ended and now_s - max(one.ended_s or 0 for one in processes) > 30:
            break
    return ended


SPANS = st.lists(st.tuples(st.integers(0, 150), st.integers(1, 120)), max_size=3)
SETS = st.lists(st.tuples(st.integers(0, 300), st.integers(-86_400, 86_400)), max_size=2)
STARTS = st.integers(0, 150)


@given(STARTS, SPANS, SPANS, SPANS, SETS, st.booleans())
# The first one's first look comes over 30 s after it has joined, and just after the other one has joined.
@example(32, [], [(2, 31)], [], [], False)
@example(32, [], [(2, 31)], [], [], True)
@example(60, [(1, 40)], [], [], [], False)
def test_exactly_one_of_two_copies_goes_on(later_s, away, suspended, other_suspended, sets, is_higher_first):
    numbers = (2, 1) if is_higher_first else (1, 2)
    processes = [Process(numbers[0], 0, suspended), Process(numbers[1], later_s, other_suspended)]
    assert len(run(processes, away, sets)) == 1


@given(st.integers(60, 200), st.integers(40, 600), st.booleans())
def test_the_one_that_was_suspended_while_the_other_began_is_the_one_that_ends(begin_s, length_s, is_higher_first):
    numbers = (2, 1) if is_higher_first else (1, 2)
    suspended = Process(numbers[0], 0, [(begin_s, length_s)])
    other = Process(numbers[1], begin_s + 2 * BEAT_S, [])
    if length_s - 2 * BEAT_S > 2 * TTL_S:
        assert run([suspended, other], [], []) == [suspended.number]
    else:
        assert len(run([suspended, other], [], [])) == 1

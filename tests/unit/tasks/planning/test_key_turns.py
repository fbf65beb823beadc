"""Whose turn it is among the keys of one worker: any keys, any times, any lengths of their steps."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from tasks.planning.key_turns import KeyTurn, first_due, next_turn

TURNS = st.lists(st.builds(KeyTurn, due_ns=st.integers(0, 20), served=st.integers(0, 9)), min_size=1, max_size=8)


@given(TURNS, st.integers(0, 20))
def test_a_key_is_served_when_any_is_due_and_it_is_one_that_is_due(turns, now_ns):
    place = next_turn(turns, now_ns)
    due = [one for one in turns if one.due_ns <= now_ns]
    assert (place is None) == (not due)
    if place is not None:
        assert turns[place] in due
        assert turns[place].served == min(one.served for one in due)


@given(TURNS, st.integers(0, 20))
def test_nobody_is_due_before_the_one_that_is_due_first(turns, now_ns):
    due_ns = turns[first_due(turns)].due_ns
    assert all(due_ns <= one.due_ns for one in turns)
    assert (next_turn(turns, now_ns) is None) == (now_ns < due_ns)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), min_size=2, max_size=6), st.data())
def test_between_two_steps_of_a_key_that_is_due_every_other_gets_at_most_one(keys, data):
    """Each key has the length of its steps and of its pauses after them; some want a step at every moment."""
    turns, now_ns, log = [KeyTurn() for _ in keys], 0, []
    for number in range(1, 60):
        place = next_turn(turns, now_ns)
        if place is None:
            now_ns = turns[first_due(turns)].due_ns
            continue
        waited = [one.due_ns <= now_ns for one in turns]
        length, pause = keys[place]
        now_ns += length + data.draw(st.integers(0, 1))
        turns[place] = KeyTurn(due_ns=now_ns + pause, served=number)
        log.append((place, waited))
    for place in range(len(keys)):
        own = [at for at, (which, _) in enumerate(log) if which == place]
        for first, second in itertools.pairwise(own):
            since = next((at for at in range(first + 1, second) if log[at][1][place]), second)
            served = [which for which, _ in log[since:second]]
            assert len(served) == len(set(served)), (place, log)

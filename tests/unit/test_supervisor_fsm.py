"""The state machine: total, and every stop comes to rest."""

from hypothesis import given
from hypothesis import strategies as st

from supervisor.fsm import DEATHS, RESTING, TABLE, Action, Event, State, step

ALIVE = {State.STARTING, State.RUNNING, State.ABORTING, State.KILLING, State.STOPPING, State.ENDING}


def test_every_pair_of_state_and_event_is_in_the_table():
    assert set(TABLE) == {(state, event) for state in State for event in Event}


@given(st.sampled_from(State), st.sampled_from([Event.STOP, Event.KILL]), st.sampled_from(DEATHS))
def test_from_any_state_a_stop_leads_to_rest_in_three_events(state, ask, death):
    for event in (ask, Event.GRACE_OVER, death):
        state = step(state, event).state
    assert state in RESTING


@given(st.sampled_from(State), st.lists(st.sampled_from(Event)), st.lists(st.sampled_from(Event)))
def test_once_asked_to_stop_nothing_is_ever_started_again(state, before, after):
    for event in before:
        state = step(state, event).state
    state = step(state, Event.STOP).state
    for event in after:
        state, actions = step(state, event)
        assert Action.SPAWN not in actions


@given(st.lists(st.sampled_from(Event), max_size=60))
def test_a_child_has_one_process_at_most_and_signals_go_to_a_living_one(events):
    state, has_process = State.WAITING, False
    for event in events:
        if event in DEATHS and not has_process:
            continue
        if event in DEATHS:
            has_process = False
        state, actions = step(state, event)
        for action in actions:
            if action is Action.SPAWN:
                assert not has_process
                has_process = True
            if action in {Action.TERM, Action.ABORT, Action.KILL}:
                assert has_process
        assert has_process == (state in ALIVE)


@given(st.lists(st.sampled_from(Event), max_size=60))
def test_a_stop_kills_a_child_once(events):
    state = State.RUNNING
    kills = 0
    state, actions = step(state, Event.STOP)
    for event in [event for event in events if event not in DEATHS]:
        state, actions = step(state, event)
        kills += actions.count(Action.KILL)
    assert kills <= 1


def test_states_of_rest_are_left_by_nothing():
    assert all(step(state, event).state is state for state in RESTING for event in Event)

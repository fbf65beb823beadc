"""The state machine: total, every stop comes to rest, and only an order leads out of it (checklist line 33)."""

from hypothesis import given
from hypothesis import strategies as st

from supervisor.process.states import DEATHS, RESTING, TABLE, Action, Event, Stage, State, step

ALIVE = {
    State.STARTING,
    State.RUNNING,
    State.ABORTING,
    State.KILLING,
    State.STOPPING,
    State.ENDING,
    State.RESTARTING,
    State.CLEARING,
}
ORDERS = {Event.RESTART, Event.REJOIN}
UNASKED = sorted(set(Event) - ORDERS, key=str)


def test_line_33_every_pair_of_state_and_event_is_in_the_table():
    assert set(TABLE) == {(state, event) for state in State for event in Event}


@given(st.sampled_from(State), st.sampled_from([Event.STOP, Event.KILL]), st.sampled_from(DEATHS))
def test_line_33_from_any_state_a_stop_leads_to_rest_in_three_events(state, ask, death):
    for event in (ask, Event.GRACE_OVER, death):
        state = step(state, event).state
    assert state in RESTING


@given(st.sampled_from(State), st.lists(st.sampled_from(Event)), st.lists(st.sampled_from(UNASKED)))
def test_once_asked_to_stop_nothing_is_started_again_without_an_order(state, before, after):
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


@given(st.sampled_from([Event.STOP, *ORDERS]), st.lists(st.sampled_from(Event), max_size=60))
def test_one_process_is_killed_once_whatever_is_asked_meanwhile(ask, events):
    state = State.RUNNING
    kills = 0
    for event in [ask, *(event for event in events if event not in DEATHS)]:
        state, actions = step(state, event)
        kills += actions.count(Action.KILL)
    assert kills <= 1


def test_states_of_rest_are_left_by_an_order_alone():
    assert all(step(state, event).state is state for state in RESTING for event in UNASKED)
    assert all(step(state, Event.RESTART).state is State.STARTING for state in RESTING)
    assert all(step(state, Event.REJOIN).state is State.WAITING for state in RESTING)


@given(st.sampled_from(State), st.sampled_from(DEATHS))
def test_an_order_to_restart_leads_to_one_fresh_process_and_to_no_pause(state, death):
    """Save for a child that hangs: it is restarted anyway, and its death must count."""
    if state in {State.WAITING, State.ABORTING, State.KILLING}:
        assert step(state, Event.RESTART) == (state, ())
        return
    spawned, done = [], []
    for event in (Event.RESTART, death, Event.READY):
        if event is death and state not in ALIVE:
            continue
        state, actions = step(state, event)
        spawned += [action for action in actions if action is Action.SPAWN]
        done += actions
        if spawned and event is not Event.READY:
            state = step(state, Event.READY).state
            break
    assert (state, len(spawned)) == (State.RUNNING, 1)
    assert Action.PAUSE not in done


@given(st.sampled_from(sorted(ALIVE - {State.ABORTING, State.KILLING}, key=str)), st.lists(st.sampled_from(UNASKED)))
def test_a_stop_after_an_order_to_restart_wins(state, between):
    for event in (Event.RESTART, *between, Event.STOP, Event.GRACE_OVER):
        state = step(state, event).state
    assert step(state, Event.DIED_RETRY).state in RESTING


def test_a_run_goes_through_its_stages_in_order_and_status_has_four_words_for_them():
    assert [stage.words for stage in sorted(Stage)] == ["starting", "running", *["stopping"] * 3, "stopped"]

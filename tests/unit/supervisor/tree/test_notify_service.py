"""When the process of messages is asked to stop: once it can hear why the run ends, and no later than it must."""

from types import SimpleNamespace

import pytest

from supervisor.process.states import Event, Stage, State
from supervisor.tree.notify_service import NotifyService


class Slot:
    def __init__(self, state):
        self.state = state
        self.fed = []

    def feed(self, event):
        self.fed.append(event)


@pytest.mark.parametrize(
    ("stage", "state", "fed"),
    [
        (Stage.STOPPING_WORKERS, State.STARTING, []),
        (Stage.STOPPING_WORKERS, State.RUNNING, [Event.STOP]),
        (Stage.STOPPING_WORKERS, State.STOPPING, []),
        (Stage.STOPPING_DATABASE, State.STARTING, []),
        (Stage.STOPPING_SERVICES, State.STARTING, []),
        (Stage.STOPPING_SERVICES, State.RUNNING, [Event.STOP]),
        (Stage.STOPPING_SERVICES, State.ABORTING, [Event.STOP]),
        (Stage.STOPPING_SERVICES, State.BACKOFF, [Event.STOP]),
        (Stage.STOPPING_DATABASE, State.STOPPED, []),
    ],
)
def test_the_end_of_a_run(stage, state, fed):
    reports = []
    run = SimpleNamespace(
        stage=stage, listeners=[], database_url=None, write_report=lambda: reports.append(list(slot.fed))
    )
    service = NotifyService(run)
    service.begin()
    slot = service._slot = Slot(state)
    run.listeners[0]()
    assert slot.fed == fed
    assert reports == [[]] * len(fed)  # the report is written before

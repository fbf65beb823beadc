"""What the supervisor does on each signal."""

from __future__ import annotations

import signal

import pytest

from supervisor.tree.signals import SignalDispatcher


@pytest.fixture
def make_dispatcher(mocker):
    """Makes a dispatcher of a run in a terminal or without one, and the list of what it called."""

    def make(*, in_terminal):
        called = []
        mocker.patch("os.isatty", return_value=in_terminal)
        dispatcher = SignalDispatcher(
            stop=lambda number: called.append(("stop", number)),
            reload=lambda number: called.append(("reload", number)),
            add_workers=lambda more, number: called.append(("add", more, number)),
            log_progress=lambda: called.append("progress"),
            reap_orphans=lambda: called.append("reap"),
        )
        return dispatcher, called

    return make


@pytest.mark.parametrize(
    ("number", "call"),
    [
        (signal.SIGINT, ("stop", signal.SIGINT)),
        (signal.SIGTERM, ("stop", signal.SIGTERM)),
        (signal.SIGHUP, ("reload", signal.SIGHUP)),
        (signal.SIGTTIN, ("add", 1, signal.SIGTTIN)),
        (signal.SIGTTOU, ("add", -1, signal.SIGTTOU)),
        (signal.SIGUSR1, "progress"),
        (signal.SIGCHLD, "reap"),
    ],
)
@pytest.mark.parametrize("in_terminal", [False, True])
def test_each_signal_has_its_meaning(make_dispatcher, number, call, in_terminal):
    dispatcher, called = make_dispatcher(in_terminal=in_terminal)
    dispatcher.dispatch(number)
    assert called == [call]


def test_sighup_of_a_terminal_that_has_hung_up_stops(make_dispatcher, mocker):
    dispatcher, called = make_dispatcher(in_terminal=True)
    mocker.patch("os.isatty", return_value=False)
    dispatcher.dispatch(signal.SIGHUP)
    assert called == [("stop", signal.SIGHUP)]

"""What the supervisor does on each signal."""

from __future__ import annotations

import contextlib
import os
import pty
import signal

import pytest

from supervisor.tree.signals import SignalDispatcher


@pytest.fixture
def terminal():
    """Both ends of a terminal: that of who looks at it, and that of the program."""
    ends = pty.openpty()
    yield ends
    for fd in ends:
        with contextlib.suppress(OSError):  # one that has hung up
            os.close(fd)


@pytest.fixture
def make_dispatcher(terminal):
    """Makes a dispatcher of a run in a terminal or without one, and the list of what it called."""

    def make(*, in_terminal):
        called = []
        dispatcher = SignalDispatcher(
            stop=lambda number: called.append(("stop", number)),
            reload=lambda number: called.append(("reload", number)),
            add_workers=lambda more, number: called.append(("add", more, number)),
            log_progress=lambda: called.append("progress"),
            reap_orphans=lambda: called.append("reap"),
            terminals=terminal[1:] if in_terminal else (),
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


def test_sighup_of_a_terminal_that_has_hung_up_stops(make_dispatcher, terminal):
    dispatcher, called = make_dispatcher(in_terminal=True)
    os.close(terminal[0])
    dispatcher.dispatch(signal.SIGHUP)
    assert called == [("stop", signal.SIGHUP)]

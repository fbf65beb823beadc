"""When the page's process is replaced for other settings: never while somebody waits for what came of an order."""

import socket
from types import SimpleNamespace

from supervisor.process.restart_policy import Cause
from supervisor.process.states import Stage, State
from supervisor.tree.order_log import OrderLog
from supervisor.tree.web_service import WebService


class Page(WebService):
    """Launches nothing."""

    def _launch(self, fd):
        self._settings = self._run.plan.settings
        return fd


class Slot:
    state = State.RUNNING
    pid = None
    ready_ns = None
    launch = None

    def __init__(self):
        self.restarts = []

    def restart(self, cause):
        self.restarts.append(cause)


def test_other_settings_wait_for_the_answers_to_orders_and_not_for_a_fetch():
    run = SimpleNamespace(
        plan=SimpleNamespace(settings=object()),
        stage=Stage.WORKING,
        orders=OrderLog(),
        listeners=[],
        write_report=lambda: None,
    )
    loop = SimpleNamespace(after=lambda _seconds, _do: object(), forget=lambda _fd: None)
    page = Page(run, loop, log=None, tell=print)
    page._slot = slot = Slot()
    with socket.socket() as page._listening:
        page._launch(page._listening.fileno())
        page._check()
        run.orders.begin("fetch B000000001", "somebody")
        answered = run.orders.begin("set BACKFILL_WORKERS=3", "the page", is_awaited=True)
        run.plan.settings = object()
        page._check()
        page._report()
        assert slot.restarts == []
        answered(0, "BACKFILL_WORKERS 1 -> 3")
        page._report()  # a second later, though nothing else has changed
        page._report()
        assert slot.restarts == [Cause.RESTARTED]
        assert slot.launch == page._listening.fileno()

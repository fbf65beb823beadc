"""The HTTP port of a run: opens it, asks the loop what to tell, closes it. Without it the run goes on all the same."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING, Final

from ledger import LedgerError
from supervisor.config.host_names import HOST
from supervisor.eventloop.loop import MonotonicClock
from supervisor.http.routes import Routes, RunView
from supervisor.http.server import HttpServer
from supervisor.tree.reporting import report_of
from tasks.errors import plain

if TYPE_CHECKING:
    from ledger import Snapshot
    from supervisor.eventloop.loop import Loop
    from supervisor.logs.log import Log
    from supervisor.tree.supervisor import Supervisor

_CLOSE_S: Final = 0.5


class Endpoint:
    """Metrics, health and status of one run, for whoever asks on this machine."""

    def __init__(self, run: Supervisor, loop: Loop, log: Log, *, patience_s: float = 2.0) -> None:
        """Answer for `run`, which `loop` has to speak for within `patience_s`, or it counts as stuck."""
        self._patience_s = patience_s
        self._run = run
        self._loop = loop
        self._log = log
        self._web: HttpServer | None = None
        self._told: queue.SimpleQueue[RunView | None] = queue.SimpleQueue()
        self._is_closed = False

    def begin(self) -> None:
        """Listen where the settings say; a port that cannot be had is told once and done without."""
        port = self._run.plan.settings.metrics_port
        if port is None:
            return
        try:
            hosts = frozenset(self._run.plan.settings.web_hosts or ())
            self._web = HttpServer(port, Routes(self._look), MonotonicClock(), self._failed, hosts=hosts)
        except OSError as error:
            self._log.warning(
                "metrics_port_unusable",
                port=port,
                message=f"no metrics and no health over HTTP: {HOST}:{port} cannot be used ({error.strerror}); "
                "set METRICS_PORT to a free port, or to nothing to do without",
            )
            return
        self._web.start()
        self._run.http_url = self._web.url
        self._log.info("http", url=self._web.url, message=f"metrics and health at {self._web.url}")

    def close(self) -> None:
        """Answer no more."""
        self._is_closed = True
        self._told.put(None)  # whoever waits for the loop has waited long enough
        if self._web is not None:
            self._web.close(_CLOSE_S)

    def _look(self) -> RunView | None:
        """The run as the loop sees it; None when it does not say in time. Called in the server's thread."""
        told = self._told = queue.SimpleQueue()
        if self._is_closed:
            return None
        self._loop.call(lambda: told.put(self._seen()))
        try:
            return told.get(timeout=self._patience_s)
        except queue.Empty:
            return None

    def _seen(self) -> RunView:
        return RunView(report_of(self._run, self._loop.now_ns()), self._snapshot())

    def _snapshot(self) -> Snapshot | None:
        try:
            return None if self._run.ledger is None else self._run.ledger.snapshot()
        except LedgerError:
            return None  # the live view and the progress line tell

    def _failed(self, error: Exception) -> None:
        words = plain(error)
        self._loop.call(lambda: self._log.error("answer_failed", error=words))

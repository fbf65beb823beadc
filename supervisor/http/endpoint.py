"""Opens and closes the HTTP port of a run, and asks the loop for what is answered there. A run goes on without it."""

from __future__ import annotations

import os
import queue
from functools import partial
from typing import TYPE_CHECKING, Final

from ledger import LedgerError
from supervisor.config.host_names import url_of
from supervisor.eventloop.loop import MonotonicClock
from supervisor.http.routes import RunView, respond
from supervisor.http.server import HttpServer
from supervisor.tree.reporting import report_of
from tasks.errors import plain

if TYPE_CHECKING:
    from ledger import Snapshot, TokenLedger
    from supervisor.eventloop.loop import Loop
    from supervisor.logs.log import Log
    from supervisor.tree.supervisor import Supervisor

_CLOSE_S: Final = 0.5


class Endpoint:
    """Metrics, health and status of one run, for whoever asks."""

    def __init__(self, run: Supervisor, loop: Loop, log: Log, *, patience_s: float = 2.0) -> None:
        """Answer for `run`; `loop` counts as stuck when it does not report the run within `patience_s`."""
        self._patience_s = patience_s
        self._run = run
        self._loop = loop
        self._log = log
        self._server: HttpServer | None = None
        self._reply: queue.SimpleQueue[RunView | None] = queue.SimpleQueue()
        self._is_closed = False

    def begin(self) -> None:
        """Listen where the settings say; a port that cannot be opened is logged once, and the run goes on without."""
        port, host = self._run.plan.settings.metrics_port, self._run.plan.settings.metrics_host
        if port is None:
            return
        try:
            hosts = frozenset(self._run.plan.settings.web_hosts or ())
            self._server = HttpServer(
                (host, port), partial(respond, self._look), MonotonicClock(), self._failed, hosts=hosts
            )
        except OSError as error:
            why = plain(error) if error.errno is None else os.strerror(error.errno)
            self._log.warning(
                "metrics_port_unusable",
                port=port,
                message=f"no metrics and no health over HTTP: {url_of(host, port)} cannot be opened ({why}); "
                "set METRICS_PORT to a free port and METRICS_HOST to an address of this machine, "
                "or leave METRICS_PORT empty to do without",
            )
            return
        self._server.start()
        self._run.http_url = self._server.url
        self._log.info("http", url=self._server.url, message=f"metrics and health at {self._server.url}")

    def close(self) -> None:
        """Answer no more."""
        self._is_closed = True
        self._reply.put(None)  # a request that waits for the loop has waited long enough
        if self._server is not None:
            self._server.close(_CLOSE_S)

    def _look(self) -> RunView | None:
        """The run as the loop sees it; None when the loop does not report in time. Called in the server's thread."""
        reply = self._reply = queue.SimpleQueue()
        if self._is_closed:
            return None
        self._loop.call(lambda: reply.put(self._view()))
        try:
            return reply.get(timeout=self._patience_s)
        except queue.Empty:
            return None

    def _view(self) -> RunView:
        snapshots = {name: _snapshot(ledger) for name, ledger in self._run.ledgers.items()}
        return RunView(report_of(self._run, self._loop.now_ns()), snapshots)

    def _failed(self, error: Exception) -> None:
        message = plain(error)
        self._loop.call(lambda: self._log.error("answer_failed", error=message))


def _snapshot(ledger: TokenLedger) -> Snapshot | None:
    try:
        return ledger.snapshot()
    except LedgerError:
        return None  # the live view and the progress line report it

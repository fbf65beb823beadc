"""The supervisor's share of a core beside a queue of three million products, while it works and while it is at rest."""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
from pathlib import Path

from benchmarks import supervision
from benchmarks.growth.measure import Aim, Row
from supervisor.database.backend import APPLICATION
from tasks.store.connection import connect

RUN_S = 60.0
LOOK_S = 0.5
PIDS = "SELECT pid FROM pg_stat_activity WHERE application_name = %s"
RICH = {"rate": 1_200, "tick_s": 1.0, "start_balance": 50_000}


def supervisor(bench):
    """The process, and its connection to the database."""
    rows = []
    with bench.scratch("Q") as url, tempfile.TemporaryDirectory() as folder:
        for state, server, aim in (("working", RICH, 1.0), ("at rest", supervision.POOR, 0.5)):
            server_pct, own_pct = _shares(Path(folder) / "state", url, server)
            what = f"supervisor's connection, 3 M pending, {state}"
            rows.append(Row(what, {"": server_pct}, "% of a core", Aim("", aim)))
            rows.append(Row("  its process", {"": own_pct}, "% of a core"))
    return rows


def _shares(state, url, server):
    """Percent of a core of the supervisor's connections and of its process."""
    with (
        supervision.served(state, server=server, DATABASE_URL=url) as (run, _),
        connect(url, application_name="growth", autocommit=True) as conn,
    ):
        supervision.until(run.workers)
        threading.Event().wait(5)  # the start is over
        began, first = time.monotonic(), _spent(conn)
        last, own = dict(first), supervision.cpu_s(run.process.pid)
        while time.monotonic() < began + RUN_S:
            last |= _spent(conn)  # one that has ended keeps what it had spent
            threading.Event().wait(LOOK_S)
        took = time.monotonic() - began
        own = supervision.cpu_s(run.process.pid) - own
    return 100 * sum(spent - first.get(pid, 0.0) for pid, spent in last.items()) / took, 100 * own / took


def _spent(conn):
    """CPU seconds of each of the supervisor's connections, by the pid of its server process."""
    found = {}
    for (pid,) in conn.execute(PIDS, (APPLICATION,)).fetchall():
        with contextlib.suppress(FileNotFoundError):
            found[pid] = supervision.cpu_s(pid)
    return found

"""What each path answers: the first line of `/readyz` says nothing that a line below it denies."""

from __future__ import annotations

from email.message import Message

import pytest

from supervisor.http.request import HttpRequest
from supervisor.http.routes import RunView, respond
from supervisor.process.conditions import ConditionRecord
from supervisor.report import Report, RunRecord, SupervisorRecord

ALL = "everything is in service"
HERE = "everything of this host is in service"


def condition(kind):
    return ConditionRecord(kind=kind, since="2026-01-01T00:00:00.000+00:00", why="it is away", who=("supervisor",))


def view(*kinds):
    run = RunRecord(
        server="simulator", synthetic=True, base_url=None, database=None, database_url=None, spool="s", rows_into="r",
        words="w",
    )  # fmt: skip
    report = Report(
        written_at="2026-01-01T00:00:01.000+00:00", supervisor=SupervisorRecord(pid=5, state="running"), run=run,
        workers=(), services=(), rows_written={}, deaths=(), conditions=tuple(map(condition, kinds)),
    )  # fmt: skip
    return RunView(report, {})


@pytest.mark.parametrize(
    ("kinds", "status", "first"),
    [
        ((), 200, ALL),
        (("hosts",), 200, HERE),
        (("database",), 503, "database: it is away"),
        (("database", "hosts"), 503, "database: it is away"),
    ],
)
def test_the_first_line_of_readyz_is_true_of_all_that_follow(kinds, status, first):
    reply = respond(lambda: view(*kinds), HttpRequest("GET", "/readyz", "", Message(), b""))
    lines = reply.body.decode().splitlines()
    assert (reply.status, lines[0].partition(" (")[0]) == (status, first)
    assert all(any(line.startswith(f"{kind}: ") for line in lines) for kind in kinds)
    assert (ALL in lines) == (not kinds)

"""Whether a run is healthy: what is not in service or kept from its work is named, once and with its reason."""

from __future__ import annotations

import pytest

from supervisor.process.conditions import ConditionRecord
from supervisor.report import ChildRecord, DeathRecord, Report, RunRecord, SupervisorRecord
from supervisor.status.health import is_healthy, is_in_service, problems

AWAY = ConditionRecord(kind="database", since="2026-01-01T00:00:00.000+00:00", why="no answer", who=("upsert-0",))
DEATHS = tuple(
    DeathRecord(
        at="2026-01-01T00:00:00+00:00", role="upsert", slot=slot, pid=6, cause="signal", code=None, signal="SIGKILL",
        words=words, doing="", lived_s=9.0, peak_rss_mb=None, next="backoff",
    )
    for slot, words in ((0, "hung"), (0, "killed by SIGKILL"), (1, "ended with exit code 70"))
)  # fmt: skip


def child(role, state, again_in_s=None):
    return ChildRecord(
        role=role, slot=0, pid=7, state=state, phase=None, detail="", up_s=3.0, again_in_s=again_in_s, restarts=0,
        deaths_in_period=0, deaths_allowed=5, rows={}, job={},
    )  # fmt: skip


def report(*workers, state="running", services=(), conditions=(), deaths=()):
    return Report(
        written_at="2026-01-01T00:00:01.000+00:00",
        supervisor=SupervisorRecord(pid=5, state=state),
        run=RunRecord(
            server="simulator", synthetic=True, base_url=None, database=None, database_url=None, spool="s",
            rows_into="r", words="w",
        ),
        workers=workers, services=services, rows_written={}, deaths=deaths, conditions=conditions,
    )  # fmt: skip


@pytest.mark.parametrize("state", ["running", "done"])
def test_a_run_whose_children_run_or_are_done_is_healthy(state):
    assert is_in_service(child("backfill", state))
    assert is_healthy(report(child("backfill", state)))


def test_a_supervisor_that_stops_is_not_healthy():
    assert problems(report(state="stopping")) == ["the supervisor is stopping"]


def test_a_child_out_of_service_is_named_with_its_last_cause_and_when_it_is_started_again():
    found = problems(report(child("upsert", "backoff", 4.0), child("backfill", "starting"), deaths=DEATHS))
    assert found == [
        "upsert-0 is not in service (backoff, again in 4 s): killed by SIGKILL",
        "backfill-0 is not in service (starting)",
    ]


def test_a_condition_is_named_and_the_child_it_is_about_not_once_more():
    seen = report(services=(child("database", "away"),), conditions=(AWAY,))
    (problem,) = problems(seen)
    assert problem.startswith("database: no answer (since ")
    assert not is_healthy(seen)

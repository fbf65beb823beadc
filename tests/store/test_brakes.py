"""A person's word lets calls go on that were stopped."""

from __future__ import annotations

from supervisor.control import send_order
from supervisor.control.protocol import Answer
from tasks.errors import EXIT_OK, EXIT_TRY_LATER
from tasks.store import brakes
from tasks.store.connection import connect

RESUMED = Answer(code=EXIT_OK, words="backfill: resumed")


def test_resume_lifts_what_was_stopped_and_names_it(database_url, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert send_order._release_brakes(RESUMED) == RESUMED, "nothing was stopped"
    with connect(database_url, application_name="test", autocommit=True) as conn:
        for number in range(brakes.MIN_CALLS):
            lost = brakes.CallOutcome(before=(0, 0), tokens=5, lost=5, items=[str(number)], why="odd")
            stops = brakes.count_outcome(conn, "deal", "this build", lost)
        assert stops
        assert send_order._release_brakes(RESUMED).words == "backfill: resumed; calls go on: deal"
        assert brakes.active_brakes(conn, "this build") == []
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    assert send_order._release_brakes(RESUMED).code == EXIT_TRY_LATER

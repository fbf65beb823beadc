"""A reload that cannot be carried out leaves the run, and the ledger, as they were."""

from __future__ import annotations

import json

from ledger import ManualClock, Reading, TokenLedger
from supervisor.config.run_plan import make_run_plan
from supervisor.config.setting_texts import read_texts
from supervisor.config.settings import load_settings
from supervisor.eventloop.executor import Failed, Succeeded
from supervisor.process.states import Stage
from supervisor.tree.reload import ChangeRequest, Reloader
from tasks.errors import Error
from tests.fixtures.server import WIDE
from tests.fixtures.settings import worker_settings


class AtOnce:
    """Does the work where it is given."""

    def do(self, work, then):
        try:
            outcome = Succeeded(work())
        except Error as error:
            outcome = Failed(error)
        then(outcome)


class Run:
    """A run whose workers can be told nothing, if so wanted."""

    stage = Stage.WORKING

    def __init__(self, *, takes):
        self.plan = make_run_plan(load_settings({}, dotenv=None))
        ledger = TokenLedger.in_memory(self.plan.tiers(), ManualClock(10**12))
        ledger.observe(Reading(tokens_left=300, refill_rate=20, refill_in_ms=1_000, server_ms=10**12))
        self.ledgers = {"default": ledger}
        self.applied = []
        self._takes = takes

    def worker_settings(self, plan):
        assert plan.settings.backfill_floor == 7, "it is asked about the settings that are to come"
        return worker_settings(spool_dir="s" if self._takes else "\ud800")

    def apply_change(self, change):
        self.applied.append(change)

    @property
    def floor(self):
        return next(tier.floor for tier in self.ledgers["default"].snapshot().tiers if tier.name == "backfill")


def reload(run, environ):
    outcomes = []
    reloader = Reloader(run, read_texts({}, dotenv=None), AtOnce(), environment=lambda: environ)
    reloader.submit(ChangeRequest(rereads=True, overrides=lambda _, before: before, on_done=outcomes.append))
    return outcomes[0]


FLOORS = {"UPSERT_FLOOR": "5", "BACKFILL_FLOOR": "7"}


def test_what_the_workers_cannot_be_told_does_not_reach_the_ledger_either():
    run = Run(takes=False)
    before = run.floor
    assert "half a character" in str(reload(run, FLOORS))
    assert (run.floor, run.applied) == (before, [])


def test_what_they_can_be_told_is_applied():
    run = Run(takes=True)
    assert "BACKFILL_FLOOR" in reload(run, FLOORS).words
    assert run.floor == 7
    assert len(run.applied) == 1


def test_a_file_that_nobody_could_be_told_is_a_fault(tmp_path):
    source = {"source": "product-finder", "domainId": 1, "query": {"title": "\ud800"}}
    (tmp_path / "odd.json").write_text(json.dumps(source))
    (tmp_path / "sound.json").write_text(json.dumps(WIDE))
    run = Run(takes=True)
    answer = reload(run, FLOORS | {"SELECTIONS": str(tmp_path)})
    assert "has half of one" in str(answer)
    assert run.applied == []

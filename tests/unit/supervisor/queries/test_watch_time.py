"""How long lists take with the key in force: by the rate that its ledger knows and the costs it has learned."""

from __future__ import annotations

import pytest

from ledger import DEFAULT_TIERS, ManualClock, Reading, TokenLedger
from supervisor.config import run_plan, settings
from supervisor.queries import watch_time
from supervisor.queries.watch_time import Some


@pytest.fixture
def plan(tmp_path):
    return run_plan.make_run_plan(settings.load_settings({"STATE_DIR": str(tmp_path)}, dotenv=None))


def test_it_goes_by_the_rate_of_the_key_in_tokens_a_minute(plan):
    ledger = TokenLedger.in_memory(DEFAULT_TIERS, ManualClock(1), tick_period_s=30)
    ledger.observe(Reading(tokens_left=100, refill_rate=200, refill_in_ms=30_000, server_ms=5))
    found = watch_time._on(plan, ledger.snapshot(), [Some(4_000, "history"), Some(1_000, "stats")])
    assert (found.rate, found.products, found.tokens, found.pass_s) == (400, 5_000, 5_000, 750)
    assert found.pass_shared_s > found.pass_s
    assert "5,000 tokens on this key (400 tokens a minute): 12 min 30 s at the least" in found.words


def test_before_a_reply_has_told_the_plan_nothing_is_said(plan):
    assert watch_time.of_plan(plan, [Some(1, "history")]) is None

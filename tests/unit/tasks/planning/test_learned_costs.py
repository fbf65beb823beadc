"""What a product costs: as the ledger has learned it, and before that a usual figure."""

from __future__ import annotations

import pytest

from ledger import DEFAULT_TIERS, ManualClock, Reading, TokenLedger
from tasks.keepa.request import product_shape
from tasks.planning.learned_costs import product_tokens


def test_before_anything_is_learned_it_is_the_usual_figure():
    assert product_tokens("history", None) == product_shape("history", 1).prior
    assert product_tokens("offers", None) == 7.0


@pytest.mark.parametrize("detail", ["history", "offers"])
def test_what_was_charged_counts_more_than_the_usual_figure(detail):
    ledger = TokenLedger.in_memory(DEFAULT_TIERS, ManualClock(10**15), tick_period_s=60)
    ledger.observe(Reading(tokens_left=1_000, refill_rate=20, refill_in_ms=30_000, server_ms=5))
    shape = product_shape(detail, 1)
    lease = ledger.reserve("interactive", 9, shape=shape)
    lease.commit()
    lease.settle(9, None)
    learned = next(one.mean for one in ledger.snapshot().costs if one.shape == shape.name)
    assert product_tokens(detail, ledger.snapshot()) == learned != product_tokens(detail, None)

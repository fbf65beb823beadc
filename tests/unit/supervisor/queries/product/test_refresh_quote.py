"""What a product costs by hand and when its gate opens, against the ledger itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import DEFAULT_TIERS, ManualClock, Reading, TokenLedger
from ledger.types import NS_PER_S, Wait
from supervisor.queries.product.refresh_quote import refresh_quote
from supervisor.queries.token_outlook import tokens_per_row
from tasks.keepa.request import product_shape

KINDS = ("stats", "history", "offers")


@given(st.integers(-30, 300), st.integers(1, 60), st.sampled_from(KINDS), st.lists(st.integers(1, 30), max_size=2))
def test_the_gate_opens_when_the_ledger_says(balance, rate, detail, spent):
    clock = ManualClock()
    ledger = TokenLedger.in_memory(DEFAULT_TIERS, clock)
    ledger.observe(Reading(tokens_left=min(balance, 60 * rate), refill_rate=rate, refill_in_ms=30_000, server_ms=1_000))
    for cost in spent:
        ledger.try_reserve("upsert", cost)
    quote = refresh_quote(ledger.snapshot(), detail)
    assert quote.tokens == ledger.estimate(product_shape(detail, 1))
    granted = ledger.try_reserve("interactive", quote.tokens)
    if isinstance(granted, Wait):
        if granted.until_ns is not None and not ledger.snapshot().leases:
            assert quote.opens_in_s == pytest.approx((granted.until_ns - clock.now_ns()) / NS_PER_S, abs=0.1)
        else:
            assert quote.opens_in_s is None or quote.opens_in_s > 0
    else:
        assert quote.opens_in_s == 0


def test_before_the_first_reading_nobody_can_tell():
    ledger = TokenLedger.in_memory(DEFAULT_TIERS, ManualClock())
    assert refresh_quote(ledger.snapshot(), "history") == (1, None)


def test_the_price_of_a_row():
    assert tokens_per_row(10, 4) == 2.5
    assert tokens_per_row(10, 0) is None

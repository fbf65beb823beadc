"""A page says at once that an order was not given, instead of waiting for what comes of it."""

from types import SimpleNamespace

import pytest

from ledger import DEFAULT_TIERS, ManualClock, Reading, TokenLedger
from supervisor.control import protocol
from supervisor.web.page import Changed
from supervisor.web.pages import product_orders
from tasks.errors import EXIT_TRY_LATER
from tests.fixtures.site import DETAIL


def order(answer):
    """What comes of the order to fetch a product, by a run whose balance is known."""
    ledger = TokenLedger.in_memory(DEFAULT_TIERS, ManualClock(10**15))
    ledger.observe(Reading(100, 20, 3_600_000, 1_790_000_000_000))
    status = SimpleNamespace(keys=(), snapshot=ledger.snapshot())
    visit = SimpleNamespace(
        path={"domain": "1", "asin": "B08N5WRWNW"}, form={"seen": "9"}, query={}, session="0123456789",
        run=SimpleNamespace(look=lambda: SimpleNamespace(status=status)),
        settings=SimpleNamespace(rows=(DETAIL,)),
        deliver=lambda _order: answer,
    )  # fmt: skip
    return product_orders.fetch_now(visit)


def test_what_was_not_given_is_said():
    with pytest.raises(Changed, match="was not given the order"):
        order(protocol.NotGiven(code=EXIT_TRY_LATER, words="it was not given the order"))


def test_what_was_given_goes_on():
    answer = protocol.Answer(code=EXIT_TRY_LATER, words="it has not answered")
    first, second = order(answer).path, order(answer).path
    assert "?fetched=" in first
    assert first != second, "each leads to what comes of that one order"

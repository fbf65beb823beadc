"""A page says at once that an order was not given, instead of waiting for what comes of it."""

from types import SimpleNamespace

import pytest

from supervisor.control import protocol
from supervisor.web.page import Changed
from supervisor.web.pages import product_orders
from tasks.errors import EXIT_TRY_LATER

VISIT = SimpleNamespace(path={"domain": "1", "asin": "B08N5WRWNW"}, form={"seen": "2"}, query={}, session="0123456789")


def order(monkeypatch, answer):
    monkeypatch.setattr(product_orders, "quote", lambda _visit: product_orders.Quote(2, "", "history"))
    monkeypatch.setattr(product_orders, "_deliver", lambda _visit, _order: answer)
    return product_orders.fetch_now(VISIT)


def test_what_was_not_given_is_said(monkeypatch):
    with pytest.raises(Changed, match="was not given the order"):
        order(monkeypatch, protocol.NotGiven(code=EXIT_TRY_LATER, words="it was not given the order"))


def test_what_was_given_goes_on(monkeypatch):
    answer = protocol.Answer(code=EXIT_TRY_LATER, words="it has not answered")
    assert order(monkeypatch, answer).path.endswith("?fetched=yes")

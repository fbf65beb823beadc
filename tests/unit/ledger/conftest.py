"""Books to ask the model about, without a ledger around them."""

from __future__ import annotations

import pytest

from ledger.model import leases, tiers
from ledger.model.book import Book
from ledger.model.view import View
from ledger.types import Reading

NOW_NS = 10**12
SERVER_MS = 1_700_000_000_000
TICK_NS = 60 * 10**9


@pytest.fixture
def fresh():
    """A book with the default tiers, before the first reading."""
    view = View(Book(next_id=1))
    tiers.install(view, tiers.DEFAULT_TIERS, TICK_NS, NOW_NS)
    view.events.clear()
    return view


@pytest.fixture
def view(fresh):
    """A book with 200 tokens of a plan of 5, half a minute before the next tick."""
    leases.observe(fresh, Reading(200, 5, 30_000, SERVER_MS), NOW_NS)
    fresh.events.clear()
    return fresh

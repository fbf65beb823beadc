"""Homes and ledgers over one row of a real database."""

from __future__ import annotations

import contextlib

import pytest

from ledger import DEFAULT_TIERS, Reading, TokenLedger
from tasks.store.ledger_row.row import RowHome
from tests.fixtures.ledger.rows import ACCOUNTS, SERVER_MS, Again


@pytest.fixture
def make_home(database_url):
    """Makes homes of one row, each with a line of its own, for the host of that number."""
    account = next(ACCOUNTS)
    with contextlib.ExitStack() as stack:

        def make(host=1, url=database_url):
            home = RowHome(url, account, host)
            home.patience = Again()
            stack.callback(home.close)
            return home

        make.account = account
        yield make


@pytest.fixture
def make_ledger(make_home):
    """Makes ledgers over one row with 300 tokens of a plan of 5."""
    first = make_home()
    first.create("test")
    ledger = TokenLedger(first)
    ledger.configure(DEFAULT_TIERS, 60)
    ledger.observe(Reading(300, 5, 60_000, SERVER_MS))

    def make(host=1, url=None):
        return TokenLedger(make_home(host) if url is None else make_home(host, url))

    make.account = make_home.account
    return make

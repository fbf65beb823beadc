"""A metered client for each test, which leaves no lease open."""

from __future__ import annotations

import pytest

from tests.fixtures.metered_calls import Shop


@pytest.fixture
def shop(tmp_path):
    opened = []

    def make(*answers, **settings):
        opened.append(Shop(tmp_path, *answers, **settings))
        return opened[-1]

    yield make
    for one in opened:
        assert one.ledger.snapshot().leases == (), "a lease was left open"
        one.ledger.close()

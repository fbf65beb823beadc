"""A database that has something to be moved into partitions."""

from __future__ import annotations

import pytest

from tests.fixtures.database.moving import ASINS, NOW, fill


@pytest.fixture
def filled(conn, make_deal, make_product):
    """Three locales with deals, products with histories, ranks and offers."""
    fill(conn, make_deal, make_product, ASINS, NOW)
    return conn

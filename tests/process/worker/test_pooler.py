"""Whole workers behind PgBouncer in transaction mode, and that away in the middle of the work."""

from __future__ import annotations

import pytest

from tests.process.worker.test_outage import *  # noqa: F403 - its tests are these tests

pytestmark = pytest.mark.kill  # the same without a pooler is told by every `make test`, and the jobs behind one


@pytest.fixture
def database_url(pooler, database_url):
    """The database through the pooler, for everything that these tests do."""
    return pooler.url(database_url)

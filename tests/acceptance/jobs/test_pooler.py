"""The tests of jobs and turns once more, behind PgBouncer in transaction mode with a pool of three sessions."""

from __future__ import annotations

import pytest

from tests.acceptance.jobs.test_backfill import *  # noqa: F403 - its tests are these tests
from tests.acceptance.jobs.test_turns import *  # noqa: F403 - likewise

# It ends the session of a worker, which here is anybody's, that of the test too.
del test_a_worker_whose_connection_was_lost_has_its_turn_and_goes_on_where_it_was  # noqa: F821 - of the star above


@pytest.fixture
def database_url(pooler, database_url):
    """The database through the pooler, for everything that these tests do."""
    return pooler.url(database_url)

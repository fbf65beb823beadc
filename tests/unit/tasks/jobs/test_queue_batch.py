"""How long a batch is held: long enough that nobody else pays for it while its reply is on the way to the database."""

from __future__ import annotations

import pytest

from tasks.jobs.queue_batch import lease_s
from tests.fixtures.settings import worker_settings


@pytest.mark.parametrize(
    ("changes", "held_s"),
    [
        ({}, 30 + 2 * 120 + 300),
        ({"connect_timeout_s": 5, "read_timeout_s": 7, "retry_deadline_s": 11}, 5 + 2 * 7 + 11),
        ({"retry_deadline_s": 3600}, 30 + 2 * 120 + 3600),
    ],
)
def test_a_batch_is_held_for_the_longest_call_and_the_longest_a_database_may_be_away(changes, held_s):
    assert lease_s(worker_settings(**changes)) == held_s

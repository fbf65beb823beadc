"""`kill -9` while a list is fetched: what was paid for is written by the next worker, and nothing is paid for twice."""

from __future__ import annotations

import psycopg

from tests.fixtures.jobs import eventually
from tests.fixtures.lists import asins_of, list_file

FETCHED = "select count(*) from watched_products where fetched_at is not null and queued_at is null"


def test_a_batch_of_a_list_that_had_arrived_is_written_by_the_next_worker_and_paid_for_once(plant, tmp_path):
    asins = asins_of(plant.simulator, 30)
    given = {"selections": (), "watch_lists": (list_file(tmp_path, "toys", asins),)}
    with psycopg.connect(plant.database_url) as blocker:
        blocker.execute("lock table products in exclusive mode")
        first = plant.worker("upsert", **given).wait_ready()
        eventually(plant.spooled, lambda: first.output)
        first.kill()
        (reply,) = plant.spooled()
        assert plant.simulator.control()["spent"] > 0
    second = plant.worker("upsert", **given).wait_ready()
    eventually(lambda: plant.value(FETCHED) == len(asins), lambda: second.output)
    assert not reply.exists()
    assert plant.simulator.control()["spent"] == len(asins)
    assert plant.value("select sum(cost) from calls where endpoint = '/product'") == len(asins)
    assert plant.value("select count(*) from products") == len(asins)

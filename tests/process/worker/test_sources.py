"""`kill -9` after a source was paid for: the next worker writes what had arrived, for each kind, and pays no more."""

from __future__ import annotations

import psycopg
import pytest

from tasks.settings import SourceSettings
from tests.fixtures.jobs import eventually

SOURCES = {
    "bestsellers": ({"categoryId": 283_155}, 50),
    "seller": ({"sellerId": "A2L77EE7U53NWQ"}, 10),
    "product-finder": ({"query": {"productType": [0]}, "most": 100}, 11),
    "category": ({"categoryId": 283_155, "most": 50}, 11),
    "lightning-deals": ({}, 500),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_a_source_that_had_answered_is_paid_for_once(make_plant, kind):
    plant = make_plant(deals=60, rate=100, tick_s=60.0)
    fields, cost = SOURCES[kind]
    source = SourceSettings(name="mine", query={"source": kind, "domainId": 1, **fields})
    given = {"selections": (), "sources": (source,)}
    with psycopg.connect(plant.database_url) as blocker:
        blocker.execute("lock table refused_sources in exclusive mode")
        first = plant.worker("backfill", **given).wait_ready()
        eventually(plant.spooled, lambda: first.output)
        first.kill()
        assert len(plant.spooled()) == 1
        assert plant.simulator.control()["spent"] == cost
        assert plant.value("select count(*) from calls where cost > 0") == 0
    second = plant.worker("backfill", **given).wait_ready()
    eventually(lambda: plant.query("select 1 from crawls where state = 'done'"), lambda: second.output)
    log = [call for call in plant.simulator.control()["log"] if call["endpoint"] not in {"/token", "/product"}]
    assert [call["consumed"] for call in log] == [cost]
    paid = plant.query("select cost from calls where endpoint not in ('/token', '/product')")
    assert paid == [(cost,)]

"""The database is away in the middle of the work: calls stop, what was paid for is kept, work goes on by itself."""

from __future__ import annotations

import pytest

from tasks.errors import EXIT_TRY_LATER
from tasks.settings import Secret
from tests.fakes.dbline import Line
from tests.fixtures_jobs import eventually


@pytest.fixture
def line(database_url):
    one = Line(database_url)
    yield one
    one.close()


def start(plant, line):
    told = {"database_url": Secret(line.url), "retry_deadline_s": 1.5}
    return [
        plant.worker("upsert", poll_interval_s=1, **told),
        plant.worker("backfill", slot=0, **told),
        plant.worker("backfill", slot=1, **told),
    ]


def test_calls_stop_while_the_database_is_away_and_all_that_was_paid_for_is_rows_when_it_is_back(make_plant, line):
    plant = make_plant(rate=60, deals=4_000, latency_s=0.02)
    workers = start(plant, line)
    eventually(lambda: plant.value("select count(*) from products") > 20, lambda: workers[1].output)
    line.cut()
    assert [worker.wait_end() for worker in workers] == [EXIT_TRY_LATER] * 3
    paid = plant.simulator.control()["spent"]
    assert len(plant.spooled()) <= 3, "each worker ends with what it had just paid for"
    again = start(plant, line)
    assert [worker.wait_end() for worker in again] == [EXIT_TRY_LATER] * 3
    assert plant.simulator.control()["spent"] == paid
    line.mend()
    last = start(plant, line)
    before = plant.value("select count(*) from products")
    eventually(lambda: plant.value("select count(*) from products") > before + 20, lambda: last[1].output)
    for worker in last:
        worker.terminate()
    codes = [worker.wait_end() for worker in last]
    assert codes == [0, EXIT_TRY_LATER, EXIT_TRY_LATER], "a backfill that was stopped is not finished"
    assert plant.spooled() == []
    spent = plant.simulator.control()["spent"]
    assert spent > paid
    assert spent == plant.value("select coalesce(sum(cost), 0) from calls"), "every token spent stands beside its rows"
    asked = [
        asin for call in plant.simulator.control()["log"] if call["endpoint"] == "/product" for asin in call["asins"]
    ]
    assert len(asked) == len(set(asked)), "nothing was bought twice"
    assert plant.ledger.snapshot().leases == ()

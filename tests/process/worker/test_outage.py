"""The database is away in the middle of the work: calls stop, what was paid for is kept, work goes on by itself."""

from __future__ import annotations

import pytest

from tasks.errors import EXIT_TRY_LATER
from tasks.secret import Secret
from tests.fakes.database.tcp_proxy import Line
from tests.fakes.quick_cases import cases
from tests.fixtures.jobs import eventually

STILL = 8_300_000  # a market that moves has details bought again, and rightly: of each deal that changed


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


def conditions(worker):
    return [one["kind"] for one in worker.last.get("conditions", ())]


def degraded(workers):
    return all(conditions(worker) == ["database"] for worker in workers)


@pytest.mark.kill
def test_calls_stop_while_the_database_is_away_and_all_that_was_paid_for_is_rows_when_it_is_back(make_plant, line):
    plant = make_plant(rate=60, deals=4_000, latency_s=0.02, market_minute=STILL)
    workers = start(plant, line)
    eventually(lambda: plant.value("select count(*) from products") > 20, lambda: workers[1].output)
    line.cut()
    eventually(lambda: degraded(workers), lambda: [worker.last for worker in workers])
    paid = plant.simulator.control()["spent"]
    assert len(plant.spooled()) <= 3, "each worker waits with what it had just paid for"
    late = plant.worker("backfill", slot=2, database_url=Secret(line.url))
    eventually(lambda: degraded([late]), lambda: late.output)
    assert late.on_ready(), "one that starts meanwhile waits like the others"
    # As if it had been away for longer than anything is held.
    plant.query("update fetch_queue set ready_at = now() where state = 'leased' returning 1")
    plant.query("update crawls set asked_until = now() where asked_by is not null returning 1")
    plant.query("update turns set until = now() returning 1")
    assert plant.simulator.control()["spent"] == paid
    before = plant.value("select count(*) from products")
    line.mend()
    eventually(lambda: plant.value("select count(*) from products") > before + 20, lambda: workers[1].output)
    workers.append(late)
    eventually(lambda: not any(map(conditions, workers)), lambda: [worker.last for worker in workers])
    for worker in workers:
        worker.terminate()
    codes = [worker.wait_end() for worker in workers]
    assert codes == [0, EXIT_TRY_LATER, EXIT_TRY_LATER, EXIT_TRY_LATER], "a backfill that was stopped is not finished"
    assert plant.spooled() == []
    spent = plant.simulator.control()["spent"]
    assert spent > paid
    assert spent == plant.value("select coalesce(sum(cost), 0) from calls"), "every token spent stands beside its rows"
    asked = [
        asin for call in plant.simulator.control()["log"] if call["endpoint"] == "/product" for asin in call["asins"]
    ]
    assert len(asked) == len(set(asked)), "nothing was bought twice"
    assert plant.ledger.snapshot().leases == ()


def test_a_worker_that_waits_for_the_database_hears_a_stop_at_once(make_plant, line):
    plant = make_plant()
    worker = start(plant, line)[0]
    worker.wait_ready()
    line.cut()
    eventually(lambda: degraded([worker]), lambda: worker.output)
    worker.terminate()
    assert worker.wait_end() == 0


SILENT = "the database does not answer a statement"


def silent(worker):
    return [one["why"] for one in worker.last.get("conditions", ())] == [SILENT]


def held(plant, line, role):
    """A worker in the middle of its work, of which a statement gets no answer, and who tells so."""
    worker = plant.worker(role, poll_interval_s=1, database_url=Secret(line.url))
    table = {"upsert": "deals", "backfill": "products"}[role]
    eventually(lambda: plant.value(f"select count(*) from {table}") > 20, lambda: worker.output)
    line.hold()
    eventually(lambda: line.held and silent(worker), lambda: worker.last)
    return worker


@pytest.mark.parametrize("role", cases({"upsert": "upsert", "backfill": "backfill"}, ["upsert"]))
def test_a_statement_that_never_answers_is_told_and_a_stop_ends_it(make_plant, line, role):
    worker = held(make_plant(rate=60, deals=4_000), line, role)
    assert worker.process.poll() is None
    worker.terminate()
    assert worker.wait_end() in {0, EXIT_TRY_LATER}, "with nobody having answered"


@pytest.mark.kill
def test_a_statement_that_is_answered_late_is_done_once_and_all_is_well(make_plant, line):
    plant = make_plant(rate=60, deals=4_000)
    worker = held(plant, line, "backfill")
    before = plant.value("select count(*) from products")
    line.pass_on()
    eventually(lambda: plant.value("select count(*) from products") > before + 20, lambda: worker.output)
    eventually(lambda: not conditions(worker), lambda: worker.last)
    worker.terminate()
    assert worker.wait_end() == EXIT_TRY_LATER
    assert plant.simulator.control()["spent"] == plant.value("select sum(cost) from calls")
    assert "database_unavailable" not in worker.output, "the connection was there all the time"

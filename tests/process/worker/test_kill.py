"""`kill -9` at the worst moments: nothing that was paid for is lost, nothing is paid for twice, the books balance."""

from __future__ import annotations

import random
import threading
from contextlib import contextmanager, nullcontext

import psycopg
import pytest

from tasks.store.connection import connect
from tasks.store.queue import queue
from tests.fakes.program.cli_program import freeze
from tests.fixtures.jobs import eventually, held


def books(plant):
    """What the ledger holds, after the dead are resolved and the server has been asked."""
    plant.ledger.resolve_dead()
    snapshot = plant.ledger.snapshot()
    totals = snapshot.totals
    assert totals.credited + snapshot.bucket.drift == pytest.approx(
        snapshot.bucket.balance + totals.spent + totals.expired
    )
    return snapshot


def recorded(plant):
    return plant.value("select coalesce(sum(cost), 0) from calls")


def in_flight(plant):
    return [lease for lease in plant.ledger.snapshot().leases if lease.state == "committed"]


def test_a_worker_killed_in_mid_call_costs_at_most_that_call_and_its_items_are_fetched_by_the_next(make_plant):
    plant = make_plant()
    first = plant.worker("backfill").wait_ready()
    eventually(lambda: plant.value("select count(*) from fetch_queue"), lambda: first.output)
    with held(plant.simulator):
        (lease,) = eventually(
            lambda: plant.value("select count(*) from fetch_queue where state = 'leased'") and in_flight(plant),
            lambda: first.output,
        )
        before = recorded(plant)
        first.kill()
    second = plant.worker("backfill").wait_ready()
    eventually(
        lambda: (
            plant.query("select count(*) filter (where state <> 'done') = 0 and count(*) > 0 from fetch_queue")[0][0]
            and plant.query("select state from crawls")[0][0] == "done"
            and second.last.get("phase") == "waiting_work"
        ),
        lambda: second.output,
    )
    spent = plant.simulator.control()["spent"]
    assert 0 <= spent - recorded(plant) <= lease.cost
    assert recorded(plant) > before
    assert plant.value("select count(*) from products where is_found and history_fetched_at is null") == 0
    assert plant.value("select count(*) from products") == plant.value("select count(*) from fetch_queue")
    assert plant.value("select count(*) from quarantine") == 0
    second.terminate()
    second.wait_end()
    assert books(plant).leases == ()


@pytest.mark.parametrize(("role", "table"), [("upsert", "deal_rows"), ("backfill", "products")])
def test_a_reply_that_had_arrived_is_written_by_the_next_worker_and_not_paid_for_again(plant, role, table):
    selections = plant.settings().selections if role == "upsert" else ()
    if role == "backfill":
        fill_queue(plant)
    paid_before, recorded_before = plant.simulator.control()["spent"], recorded(plant)
    with psycopg.connect(plant.database_url) as blocker:
        blocker.execute(f"lock table {table} in exclusive mode")
        first = plant.worker(role, selections=selections).wait_ready()
        eventually(lambda: plant.spooled() and not in_flight(plant), lambda: first.output)
        paid = plant.simulator.control()["spent"] - paid_before
        assert paid > 0
        first.kill()
        assert recorded(plant) == recorded_before
        assert len(plant.spooled()) == 1
    second = plant.worker(role, selections=()).wait_ready()
    assert plant.spooled() == []
    assert plant.simulator.control()["spent"] - paid_before == paid == recorded(plant) - recorded_before
    assert plant.value(f"select count(*) from {table}") > 0
    if role == "backfill":
        assert plant.value("select count(*) from fetch_queue where state <> 'done'") == 0
    else:
        assert plant.value("select page from crawls") == 1
    assert "replay" in second.output


def fill_queue(plant):
    """Queue thirty products that the simulator knows."""
    assert plant.worker("upsert", "--once", upsert_detail="none").wait_end() == 0
    asins = [row[0] for row in plant.query("select asin from deals order by asin limit 30")]
    with connect(plant.database_url, application_name="test", autocommit=True) as conn:
        conn.execute("truncate fetch_queue")
        queue.enqueue(conn, 1, asins, detail="history")


@contextmanager
def replies_held_back(plant):
    """There is a reply that is paid for and not yet rows: how often chance alone finds one depends on the machine."""
    with psycopg.connect(plant.database_url) as blocker:
        blocker.execute("lock table deal_rows in exclusive mode")
        eventually(plant.spooled, lambda: f"{[worker.last for worker in plant.workers[-3:]]}")
        yield


@pytest.mark.timeout(2_400)
# A ledger holds 128 open leases, and nobody here ends those of the dead: at most three a round.
@pytest.mark.parametrize(("rounds", "seed"), [(2, 7), pytest.param(42, 0, marks=pytest.mark.kill)])
@pytest.mark.kill
def test_workers_killed_at_random_moments_lose_nothing_and_the_last_ones_finish_the_work(make_plant, rounds, seed):
    plant = make_plant(rate=60, deals=600 if rounds < 10 else 4_000, duplicates=0.3)
    plant.simulator.control(latency_s=0.05)
    chance = random.Random(seed)
    pause = threading.Event()
    wire = 0  # what the server may have charged without being heard: what each of the killed had on its way
    for number in range(rounds):
        workers = [plant.worker("upsert", poll_interval_s=1), *(plant.worker("backfill", slot=n) for n in range(2))]
        workers[chance.randrange(3)].wait_ready()
        with replies_held_back(plant) if number % 3 == 0 else nullcontext():
            pause.wait(chance.uniform(0.02, 0.3))  # a batch from the queue to its rows takes a third of that
            for worker in chance.sample(workers, 3):
                freeze(worker.process.pid)  # so that what it has on its way is known
                wire += sum(lease.cost for lease in in_flight(plant) if lease.owner_pid == worker.process.pid)
                worker.kill()
    plant.simulator.control(latency_s=0.0)
    lasts = [plant.worker("upsert", poll_interval_s=1).wait_ready(), plant.worker("backfill").wait_ready()]
    eventually(
        lambda: (
            lasts[1].last.get("phase") == "waiting_work"
            and plant.value("select count(*) from crawls where job = 'upsert' and state = 'done'") == 1
            and plant.value("select count(*) from fetch_queue where state not in ('done', 'given up')") == 0
        ),
        lambda: f"{[last.last for last in lasts]} {lasts[1].output}",
    )
    lasts[0].terminate()
    lasts[0].wait_end()
    eventually(lambda: lasts[1].last.get("phase") == "waiting_work", lambda: lasts[1].output)
    assert plant.spooled() == []
    assert plant.value("select count(*) from fetch_queue where state = 'given up'") == 0
    assert plant.value("select count(*) from quarantine") == 0
    assert plant.value("select count(*) from products p join fetch_queue q using (domain, asin)") == plant.value(
        "select count(*) from fetch_queue"
    )
    assert plant.value("select count(*) from products") > 50
    lost = plant.simulator.control()["spent"] - recorded(plant)
    assert 0 <= lost <= wire
    assert rounds < 10 or sum("replay" in worker.output for worker in plant.workers) > 5, "no kill fell between the two"
    assert plant.value("select count(*) from calls where status = 429") == 0
    lasts[1].terminate()
    lasts[1].wait_end()
    assert books(plant).leases == ()

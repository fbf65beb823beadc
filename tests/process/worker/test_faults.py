"""What goes wrong around a worker and must be harmless: the server's faults, a database that goes away,
damaged files."""

from __future__ import annotations

import os
import re
import resource

import pytest

from ledger.process import this_process
from ledger.types import ProcessId
from tasks.errors import EXIT_TRY_LATER
from tests.fakes.quick_cases import cases
from tests.fixtures.jobs import KEY, eventually


def is_balanced(plant):
    return plant.ledger.snapshot().bucket.balance == plant.simulator.control()["bucket"]["balance"]


@pytest.mark.parametrize("kind", ["500", "cut"])
def test_a_call_that_fails_is_made_again_with_its_own_lease_and_nothing_else_is_lost(make_plant, kind):
    plant = make_plant(tick_s=60.0)
    plant.simulator.control(fail_next={"kind": kind, "count": 1, "endpoint": "/deal"})
    worker = plant.worker("upsert", upsert_detail="none").wait_ready()
    worker.wait_phase("waiting_poll")
    assert plant.value("select count(*) from deals") > 0
    assert plant.value("select count(*) from calls where endpoint = '/deal' and cost is null") == 1
    assert plant.simulator.control()["calls"]["/token"]["200"] == 2  # at the start, and after the unknown outcome
    eventually(lambda: is_balanced(plant), "the books and the account to agree, between two ticks")
    assert KEY not in worker.output


@pytest.mark.kill
def test_a_call_without_an_answer_ends_at_its_time_out_and_the_server_tells_what_it_cost(make_plant):
    plant = make_plant(tick_s=60.0)
    plant.simulator.control(fail_next={"kind": "timeout", "count": 1, "endpoint": "/deal"})
    worker = plant.worker("upsert", upsert_detail="none", read_timeout_s=6).wait_ready()
    worker.wait_phase("waiting_poll")
    assert plant.value("select count(*) from deals") > 0
    assert plant.value("select count(*) from calls where cost is null") == 1
    assert plant.ledger.snapshot().leases == ()
    eventually(lambda: is_balanced(plant), "the books and the account to agree, between two ticks")


@pytest.mark.kill
def test_a_429_is_no_failure_and_costs_nothing(make_plant):
    plant = make_plant(rate=200, tick_s=1.0, deals=2000)
    plant.simulator.control(latency_s=0.05)
    worker = plant.worker("backfill").wait_ready()
    eventually(lambda: plant.value("select count(*) from products"), lambda: worker.output)
    refused = eventually(
        lambda: plant.simulator.control(balance=-10)["refused_429"],
        lambda: f"{plant.simulator.control()['bucket']} {worker.output}",
    )
    done = plant.value("select count(*) from products")
    eventually(lambda: plant.value("select count(*) from products") > done, lambda: worker.output)
    assert worker.process.poll() is None
    assert plant.query("select sum(cost), max(rows) from calls where status = 429") == [(0, 0)]
    assert plant.ledger.snapshot().totals.refused_429 >= refused
    assert "call_failed" not in worker.output


@pytest.mark.kill
def test_a_connection_lost_in_the_middle_is_opened_again_by_the_same_worker(plant):
    worker = plant.worker("upsert").wait_ready()
    worker.wait_phase("waiting_poll")
    gone = plant.value(
        "select count(pg_terminate_backend(pid, 60000)) from pg_stat_activity "
        "where application_name like 'sluicegate%%'"
    )
    assert gone >= 1
    before = worker.last["progress"]
    eventually(lambda: worker.last["progress"] > before, lambda: worker.output)
    assert "database_unavailable" in worker.output
    worker.terminate()
    assert worker.wait_end() == 0


def test_a_damaged_spool_entry_is_quarantined_and_stops_nobody(plant):
    spool = plant.folder / "spool"
    spool.mkdir()
    dead = ProcessId(this_process().boot, 2**22 - 1, 1)
    (spool / f"{dead}.000001.0.reply").write_bytes(b"sluicegate reply 1\n{}\n not what was written")
    worker = plant.worker("upsert").wait_ready()
    worker.wait_phase("waiting_poll")
    assert plant.value("select kind from quarantine") == "body"
    assert worker.last["rows"]["quarantine"] == 1
    assert len(list((spool / "damaged").iterdir())) == 1


@pytest.mark.kill
def test_several_workers_share_the_queue_and_nothing_is_fetched_twice(make_plant):
    plant = make_plant(rate=200)
    workers = [plant.worker("backfill", slot=slot) for slot in range(3)]
    eventually(
        lambda: (
            plant.query("select state from crawls") == [("done",)]
            and plant.value("select count(*) from fetch_queue where state <> 'done'") == 0
        ),
        lambda: "\n".join(worker.output for worker in workers),
    )
    products = plant.value("select count(*) from products")
    assert products > 50
    assert plant.value("select sum(items) from calls where endpoint = '/product'") == products
    pages = plant.value("select count(*) from calls where endpoint = '/deal'")
    assert pages == plant.value("select max(page) from crawls")
    assert plant.value("select count(*) from calls where status = 429") == 0


@pytest.mark.kill
def test_the_worker_of_a_dead_connection_gives_its_turn_to_another(make_plant):
    plant = make_plant()
    first = plant.worker("upsert", slot=0).wait_ready()
    first.wait_phase("waiting_poll")
    second = plant.worker("upsert", slot=1).wait_ready()
    second.wait_phase("waiting_poll")
    assert plant.value("select count(*) from calls where worker = 'upsert-1' and endpoint = '/deal'") == 0
    first.kill()
    eventually(
        lambda: plant.value("select count(*) from calls where worker = 'upsert-1' and endpoint = '/deal'"),
        lambda: second.output,
    )


def test_a_worker_whose_every_call_fails_says_so_goes_on_and_shows_the_key_nowhere(plant):
    plant.simulator.control(faults={"500": 0.4, "cut": 0.3, "non_json": 0.3})
    worker = plant.worker("backfill")

    def told():
        return {one["kind"] for one in worker.last.get("conditions", ())}

    eventually(lambda: "calls" in told(), lambda: worker.output)
    assert told() <= {"calls", "balance"}, "nothing is learned of the tokens either"
    eventually(lambda: worker.output.count("call_failed") >= 2, lambda: worker.output)
    worker.terminate()
    assert worker.wait_end() == EXIT_TRY_LATER, "a backfill that was stopped is not finished"
    assert "worker_ended" not in worker.output
    assert KEY not in worker.output
    assert not re.search(r"key=(?!•)", worker.output)


def paid_while_no_reply_is_kept(plant, worker):
    """What the server has been paid, which stays so over two more tries of a worker that says why."""
    told = eventually(
        lambda: [one for one in worker.last["conditions"] if one["kind"] == "spool"], lambda: worker.output
    )
    assert "replies cannot be kept there" in told[0]["why"]
    paid = plant.simulator.control()["spent"]
    seen = worker.output.count("spool_full")
    eventually(lambda: worker.output.count("spool_full") >= seen + 2, lambda: worker.output)
    assert plant.simulator.control()["spent"] == paid
    return paid


@pytest.mark.kill
def test_nothing_is_paid_for_while_the_disk_takes_no_reply(plant):
    worker = plant.worker("upsert", poll_interval_s=1, upsert_detail="none").wait_ready()
    eventually(lambda: plant.value("select count(*) from deals"), lambda: worker.output)
    before = resource.prlimit(worker.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    try:
        paid = paid_while_no_reply_is_kept(plant, worker)
    finally:
        resource.prlimit(worker.process.pid, resource.RLIMIT_FSIZE, before)
    eventually(lambda: plant.simulator.control()["spent"] > paid, lambda: worker.output)
    eventually(lambda: worker.last["conditions"] == [], lambda: worker.output)
    assert "spool_write_failed" not in worker.output
    worker.terminate()
    assert worker.wait_end() == 0
    assert plant.value("select sum(cost) from calls") == plant.simulator.control()["spent"], "each has its rows"


def replaced_by_a_file(spool):
    spool.write_text("mine")


def replaced_by_a_broken_link(spool):
    spool.symlink_to(spool.with_name("nowhere"))


PUT_THERE = {"nothing": lambda _spool: None, "a file": replaced_by_a_file, "a broken link": replaced_by_a_broken_link}


@pytest.mark.parametrize("role", cases({"upsert": "upsert", "backfill": "backfill"}, ["upsert"]))
@pytest.mark.parametrize("put_there", cases(PUT_THERE, ["a file"]))
@pytest.mark.kill
def test_a_spool_that_is_gone_ends_no_worker_and_nothing_is_paid_for_until_it_is_back(make_plant, role, put_there):
    plant = make_plant(rate=200, deals=300)
    worker = plant.worker(role, poll_interval_s=1, upsert_detail="none").wait_ready()
    eventually(lambda: plant.value("select count(*) from calls"), lambda: worker.output)
    spool, away = plant.folder / "spool", plant.folder / "away"
    spool.rename(away)
    put_there(spool)
    paid = paid_while_no_reply_is_kept(plant, worker)
    assert worker.process.poll() is None
    workers = [worker]
    if os.path.lexists(spool):  # one that starts now cannot make the folder either
        workers.append(plant.worker(role, slot=1, poll_interval_s=1, upsert_detail="none").wait_ready())
        eventually(lambda: [one["kind"] for one in workers[1].last["conditions"]] == ["spool"], lambda: worker.output)
        spool.unlink()
    away.rename(spool)
    eventually(lambda: all(one.last["conditions"] == [] for one in workers), lambda: worker.output)
    eventually(lambda: plant.simulator.control()["spent"] > paid, lambda: worker.output)

"""A worker from its start to its end: ready, beats, stops, exit codes."""

from __future__ import annotations

import json
import signal

import psycopg
import pytest

from ledger import SystemClock
from tasks.errors import EXIT_CONFIG, EXIT_KEY_REFUSED, EXIT_OK, EXIT_TRY_LATER
from tasks.secret import Secret
from tasks.settings import SelectionSettings
from tests.fixtures.jobs import KEY, Worker, eventually


def test_an_upsert_worker_lists_tells_when_it_looks_again_and_at_sigterm_leaves_nothing_open(plant):
    worker = plant.worker("upsert").wait_ready()
    worker.wait_phase("waiting_poll")
    beat = eventually(
        lambda: next((beat for beat in worker.beats if beat["phase"] == "waiting_poll" and beat["until_ns"]), None),
        lambda: worker.output,
    )
    assert beat["rows"]["deals"] > 0
    assert beat["progress"] > 0
    assert beat["until_ns"] < SystemClock().now_ns() + 60 * 10**9
    worker.terminate()
    assert worker.wait_end() == EXIT_OK
    assert worker.last["phase"] == "stopping"
    # A deal that changed between two walks is one row written twice, so rows are counted where they are written.
    assert worker.last["rows"]["deals"] == plant.value("select sum(rows) from calls where endpoint = '/deal'")
    assert worker.last["rows"]["products"] == plant.value("select sum(rows) from calls where endpoint = '/product'")
    assert plant.ledger.snapshot().leases == ()
    assert plant.spooled() == []


def test_sigterm_never_lets_a_backfill_worker_look_finished(plant):
    worker = plant.worker("backfill").wait_ready()
    eventually(lambda: worker.last.get("job", {}).get("done"), lambda: worker.output)
    worker.terminate()
    assert worker.wait_end() == EXIT_TRY_LATER


def test_a_call_in_flight_is_settled_and_its_rows_are_committed_before_the_worker_stops(plant):
    plant.simulator.control(latency_s=1.0)
    worker = plant.worker("upsert").wait_ready()
    eventually(lambda: plant.ledger.snapshot().leases, lambda: worker.output)
    worker.terminate()
    assert worker.wait_end() == EXIT_OK
    assert plant.value("select count(*) from deals") > 0
    assert plant.value("select sum(cost) from calls") == plant.simulator.control()["spent"]
    assert plant.ledger.snapshot().leases == ()


@pytest.mark.parametrize("role", ["upsert", "backfill"])
def test_a_worker_that_waits_for_tokens_says_until_when_and_hears_a_stop_long_before(make_plant, role):
    plant = make_plant(rate=5, tick_s=3600.0, phase_s=3600.0, start_balance=-30)
    worker = plant.worker(role).wait_ready()
    beat = worker.wait_phase("waiting_tokens")
    assert "tokens" in beat["detail"]
    assert beat["until_ns"] > SystemClock().now_ns()
    worker.terminate()
    worker.wait_end()
    assert SystemClock().now_ns() < beat["until_ns"], "an hour later"
    assert plant.ledger.snapshot().waiters == ()


def test_a_worker_that_waits_for_a_lock_in_the_database_hears_the_stop_and_keeps_what_it_paid_for(plant):
    with psycopg.connect(plant.database_url) as blocker:
        blocker.execute("lock table deal_rows in exclusive mode")
        worker = plant.worker("upsert").wait_ready()
        eventually(plant.spooled, lambda: worker.output)
        worker.terminate()
        assert worker.wait_end() == EXIT_OK
        assert len(plant.spooled()) == 1


@pytest.mark.parametrize("role", ["upsert", "backfill"])
def test_once_does_one_poll_or_one_batch_and_exits_0(plant, role):
    worker = plant.worker(role, "--once")
    assert worker.wait_end() == EXIT_OK
    assert plant.value("select count(*) from deals") > 0
    assert plant.simulator.control()["calls"]["/deal"]["200"] >= 1


def test_the_end_of_the_lifeline_ends_the_worker_in_the_middle_of_a_call(plant):
    plant.simulator.control(latency_s=3600.0)
    worker = plant.worker("upsert", read_timeout_s=3600).wait_ready()
    eventually(lambda: plant.ledger.snapshot().leases, lambda: worker.output)
    worker.hang_up()
    assert worker.wait_end() == EXIT_TRY_LATER


def test_a_worker_whose_parent_died_before_it_sent_the_settings_does_nothing(plant):
    worker = Worker("upsert", 0, (), None)
    worker.hang_up()
    assert worker.wait_end() == EXIT_CONFIG
    assert plant.simulator.control()["calls"] == {}


def test_ctrl_c_is_the_parents_to_hear(plant):
    worker = plant.worker("upsert").wait_ready()
    worker.process.send_signal(signal.SIGINT)
    worker.wait_phase("waiting_poll")
    worker.terminate()
    assert worker.wait_end() == EXIT_OK
    assert "KeyboardInterrupt" not in worker.output


def test_sigabrt_prints_the_stacks_of_a_worker_that_hangs(plant):
    plant.simulator.control(latency_s=3600.0)
    worker = plant.worker("upsert").wait_ready()
    eventually(
        lambda: any(lease.state == "committed" for lease in plant.ledger.snapshot().leases), lambda: worker.output
    )
    worker.process.send_signal(signal.SIGABRT)
    assert worker.wait_end() == -signal.SIGABRT
    assert "Fatal Python error: Aborted" in worker.output
    assert "client.py" in worker.output


def test_a_key_the_server_does_not_know_ends_with_77_and_is_in_no_output(plant):
    wrong = "wr0ng-key-of-somebody"
    worker = plant.worker("upsert", api_key=Secret(wrong))
    assert worker.wait_end() == EXIT_KEY_REFUSED
    assert wrong not in worker.output
    assert "KEEPA_API_KEY" in worker.output


def test_a_database_that_is_away_is_waited_for_and_its_password_is_in_no_output(plant):
    url = "postgresql://u:pa55word@127.0.0.1:1/nothing"
    worker = plant.worker("upsert", database_url=Secret(url), retry_deadline_s=1.0)
    eventually(lambda: worker.last.get("conditions"), lambda: worker.output)
    worker.terminate()
    assert worker.wait_end() == 0
    assert "database_unavailable" in worker.output
    assert "pa55word" not in worker.output + json.dumps(worker.messages)


def test_another_builds_schema_ends_with_78(plant, empty_database_url):
    worker = plant.worker("upsert", database_url=Secret(empty_database_url))
    assert worker.wait_end() == EXIT_CONFIG


def test_a_missing_ledger_ends_with_75_and_a_foreign_one_with_78(plant, tmp_path):
    assert plant.worker("upsert", ledger_path=str(tmp_path / "none")).wait_end() == EXIT_TRY_LATER
    foreign = tmp_path / "foreign"
    foreign.write_bytes(b"not a ledger" * 10_000)
    assert plant.worker("upsert", ledger_path=str(foreign)).wait_end() == EXIT_CONFIG


def test_an_api_that_is_away_ends_nobody_is_told_of_and_charges_nothing(plant):
    worker = plant.worker("upsert", base_url="http://127.0.0.1:1")
    (told,) = eventually(lambda: worker.last.get("conditions"), lambda: worker.output)
    assert told["kind"] == "calls"
    assert told["why"].startswith("127.0.0.1:1: /token")
    assert "Connection refused" in told["why"]
    assert plant.simulator.control()["spent"] == 0
    worker.terminate()
    assert worker.wait_end() == 0


def test_a_missing_key_in_the_settings_is_a_fault_of_the_configuration(plant):
    assert plant.worker("upsert", api_key=Secret("")).wait_end() == EXIT_CONFIG


def test_a_selection_that_is_none_is_a_fault_of_the_configuration_that_names_it(plant):
    broken = SelectionSettings(name="broken", query={"domainId": 1})
    worker = plant.worker("upsert", selections=(broken,))
    assert worker.wait_end() == EXIT_CONFIG
    assert "broken" in worker.output
    assert KEY not in worker.output

"""Workers on databases that refuse: made read only in the middle of the work, and with triggers of the user's own."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import conninfo

from tasks.errors import EXIT_CONFIG, EXIT_TRY_LATER
from tests.fakes.quick_cases import cases
from tests.fixtures.jobs import eventually

REFUSES = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'not in this house' USING ERRCODE = '{code}'; END $$;
CREATE TRIGGER refuse BEFORE {event} ON {table} FOR EACH ROW {when} EXECUTE FUNCTION refuse();
"""

STILL = 8_300_000  # a market that moves has details bought again, and rightly: of each deal that changed


def refuse(plant, table, *, code="P0001", event="INSERT", when=""):
    with psycopg.connect(plant.database_url, autocommit=True) as conn:
        conn.execute(REFUSES.format(table=table, code=code, event=event, when=when))


def allow(plant, table):
    with psycopg.connect(plant.database_url, autocommit=True) as conn:
        conn.execute(f"DROP TRIGGER refuse ON {table}; DROP FUNCTION refuse")


def default(plant, statement):
    """Change a default of the database, which holds for connections from now on, and end those there are."""
    name = conninfo.conninfo_to_dict(plant.database_url)["dbname"]
    with psycopg.connect(plant.database_url, autocommit=True) as conn:
        conn.execute("SET default_transaction_read_only = off")
        conn.execute(f'ALTER DATABASE "{name}" {statement}')
        conn.execute(
            "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def conditions(worker):
    return [one["kind"] for one in worker.last.get("conditions", ())]


def bought(plant):
    log = plant.simulator.control()["log"]
    return [asin for call in log if call["endpoint"] == "/product" for asin in call["asins"]]


def end(worker):
    worker.terminate()
    assert worker.wait_end() == EXIT_TRY_LATER, worker.output


@pytest.mark.kill
def test_a_database_that_is_read_only_for_a_while_ends_no_worker_and_nothing_is_bought_twice(make_plant):
    plant = make_plant(rate=60, deals=2_000, latency_s=0.02, market_minute=STILL)
    worker = plant.worker("backfill")
    eventually(lambda: plant.value("select count(*) from products") > 20, lambda: worker.output)
    default(plant, "SET default_transaction_read_only = on")
    eventually(lambda: conditions(worker) == ["database"], lambda: worker.output)
    assert "read only" in worker.last["conditions"][0]["why"]
    before = plant.value("select count(*) from products")
    default(plant, "RESET default_transaction_read_only")
    eventually(lambda: plant.value("select count(*) from products") > before + 20, lambda: worker.output)
    eventually(lambda: not conditions(worker), lambda: worker.last)
    end(worker)
    assert len(bought(plant)) == len(set(bought(plant)))
    assert plant.spooled() == []
    assert plant.simulator.control()["spent"] == plant.value("select sum(cost) from calls")


@pytest.mark.parametrize("code", cases({code: code for code in ("P0001", "U0815", "23514", "54000")}, ["P0001"]))
def test_rows_that_a_trigger_refuses_are_quarantined_and_the_others_are_written(make_plant, code):
    plant = make_plant(rate=60, deals=600, market_minute=STILL)
    refuse(plant, "products", code=code, when="WHEN (ascii(right(NEW.asin, 1)) % 2 = 0)")
    worker = plant.worker("backfill")
    eventually(lambda: plant.value("select count(*) from products") > 20, lambda: worker.output)
    end(worker)
    asins = {row[0] for row in plant.query("select asin from products")}
    refused = {row[0] for row in plant.query("select key from quarantine where kind = 'product'")}
    assert refused
    assert asins.isdisjoint(refused)
    assert asins | refused == set(bought(plant)), "every product that was paid for is in one of both"
    assert len(bought(plant)) == len(set(bought(plant)))


@pytest.mark.parametrize("table", cases({"calls": "calls", "fetch_queue": "fetch_queue"}, ["fetch_queue"]))
@pytest.mark.kill
def test_a_reply_or_a_claim_that_is_refused_as_a_whole_ends_no_worker_and_nothing_is_bought_again(make_plant, table):
    plant = make_plant(rate=60, deals=4_000, market_minute=STILL)
    worker = plant.worker("backfill")
    eventually(lambda: plant.value("select count(*) from products") > 5, lambda: worker.output)
    refuse(plant, table, event="INSERT" if table == "calls" else "UPDATE")
    eventually(lambda: "refuse" in worker.output, lambda: worker.output)
    if table == "calls":
        eventually(lambda: plant.value("select count(*) from quarantine where kind = 'body'"), lambda: worker.output)
    else:
        eventually(lambda: conditions(worker) == ["database"], lambda: worker.output)
    assert worker.process.poll() is None
    allow(plant, table)
    before = plant.value("select count(*) from products")
    eventually(lambda: plant.value("select count(*) from products") > before, lambda: worker.output)
    eventually(lambda: not conditions(worker), lambda: worker.output)
    end(worker)
    assert len(bought(plant)) == len(set(bought(plant)))
    assert plant.spooled() == []


@pytest.mark.kill
def test_what_is_refused_while_a_worker_begins_does_not_end_it_either(make_plant):
    """It gives back what a dead one held, and just that is forbidden."""
    plant = make_plant(rate=60, deals=4_000, latency_s=0.05, market_minute=STILL)
    dead = plant.worker("backfill")
    taken = "select owner from fetch_queue where lease is not null"
    owners = eventually(lambda: plant.query(taken), lambda: dead.output)
    dead.kill()
    plant.query(
        "update fetch_queue set state = 'leased', lease = nextval('fetch_queue_lease'), owner = %s, "
        "ready_at = now() + interval '1 hour' where state = 'pending' returning 1",
        owners[0][0],
    )
    refuse(plant, "fetch_queue", event="UPDATE")
    worker = plant.worker("backfill", slot=1)
    eventually(lambda: worker.on_ready() and conditions(worker) == ["database"], lambda: worker.output)
    allow(plant, "fetch_queue")
    before = plant.value("select count(*) from products")
    eventually(lambda: plant.value("select count(*) from products") > before, lambda: worker.output)
    eventually(lambda: not conditions(worker), lambda: worker.output)
    end(worker)


def test_a_right_that_is_missing_ends_the_run_with_what_to_grant(plant, database_url):
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(
            "DROP ROLE IF EXISTS poor; CREATE ROLE poor LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO poor"
        )
    told = conninfo.conninfo_to_dict(database_url)
    url = database_url.replace(f"//{told['user']}@", "//poor@")
    worker = plant.worker("backfill", database_url=type(plant.settings().database_url)(url))
    assert worker.wait_end() == EXIT_CONFIG
    assert "`sluicegate doctor` names the rights" in worker.output
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("DROP OWNED BY poor; DROP ROLE poor")

"""Several workers and one selection: one at a time walks through it, also when its turn or its connection is lost."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tasks.ingest import walk_progress
from tasks.jobs.deal_page_plan import DealPagePlan
from tasks.runtime import job
from tests.fixtures.server import WIDE


@pytest.fixture
def pair(town):
    """A town and two upsert workers of one selection, of which the first has begun the walk."""
    here = town(WIDE)
    first, second = (here.job(upsert_detail="none", worker=name) for name in ("upsert-0", "upsert-1"))
    while not here.rows("select 1 from crawls where page = 1"):
        first.step()
    second.start()
    return here, first, second


def lose_connection(here, work):
    ((pid,),) = work._components.session.run(lambda conn: conn.execute("select pg_backend_pid()").fetchall())
    assert here.rows(f"select pg_terminate_backend({pid}, 60000)") == [(True,)]


def lose_turn(here, work):
    """As when the database was away for longer than a turn lasts."""
    here.execute(f"update turns set until = now() where owner like '{work.context.worker}@%'")


def standing(work):
    """The page at which the worker's walk stands, wanted."""
    session, (stream,) = work._components.session, work._components.streams
    crawl = session.run(lambda conn: walk_progress.begin(conn, work.context.role, stream))
    return DealPagePlan(work.context, session, work._components.spool, stream, crawl)


def turn(work):
    (stream,) = work._components.streams
    return work._components.listing.has_turn(stream)


def test_a_page_is_asked_for_by_the_worker_whose_turn_it_is(pair):
    _here, first, second = pair
    assert standing(first).claim().request.page == 1
    assert standing(second).claim() is None
    assert turn(first)
    assert not turn(second)


def test_a_page_that_is_on_the_wire_is_not_asked_for_by_whoever_gets_a_turn_that_was_lost(pair):
    here, first, second = pair
    paid, send = [], first._components._client.send

    def late(request):
        reply = send(request)
        lose_turn(here, first)
        paid.append(second.step())
        return reply

    first._components._client.send = late
    assert first.step() == job.StepDone(completes=False)
    assert isinstance(paid[0], job.Idle)
    assert here.rows("select page, asked_by from crawls") == [(2, None)]
    pages = [call["page"] for call in here.simulator.control()["log"] if call["endpoint"] == "/deal"]
    assert pages == [0, 1]


def test_a_page_whose_asker_never_came_back_is_asked_for_when_its_time_is_over(pair):
    here, first, second = pair
    assert standing(first).claim().request.page == 1
    lose_turn(here, first)
    assert not turn(second)
    here.execute("update crawls set asked_until = now()")
    assert turn(second)
    assert standing(second).claim().request.page == 1


def test_a_worker_that_lost_its_turn_asks_for_nothing_while_another_has_it(pair):
    here, first, second = pair
    request_plan = standing(first)
    lose_turn(here, first)
    assert turn(second)
    assert request_plan.claim() is None
    assert not turn(first)
    assert isinstance(first.step(), job.Idle)
    assert [call["page"] for call in here.simulator.control()["log"] if call["endpoint"] == "/deal"] == [0]


def test_a_worker_that_has_its_turn_back_asks_for_no_page_that_another_has_read_meanwhile(pair):
    here, first, second = pair
    request_plan = standing(first)
    lose_turn(here, first)
    second.step()
    assert here.rows("select page from crawls") == [(2,)]
    lose_turn(here, second)
    assert request_plan.claim() is None
    assert standing(first).claim().request.page == 2


def test_a_worker_whose_connection_was_lost_has_its_turn_and_goes_on_where_it_was(pair):
    here, first, second = pair
    request_plan = standing(first)
    lose_connection(here, first)
    assert not turn(second)
    assert request_plan.claim().request.page == 1


def test_the_turn_of_a_process_that_died_is_free_at_once(pair):
    here, _first, second = pair
    gone = subprocess.run(
        [sys.executable, "-c", "from ledger.process import this_process; print(this_process())"],
        capture_output=True,
        text=True,
        check=True,
    )
    here.execute(f"update turns set owner = 'upsert-0@{gone.stdout.strip()}'")
    assert turn(second)


def test_the_turn_of_a_process_of_another_machine_is_free_when_its_time_is_over(pair):
    here, _first, second = pair
    here.execute("update turns set owner = 'upsert-0@00000000-1-1'")
    assert not turn(second)
    here.execute("update turns set until = now()")
    assert turn(second)


def test_a_turn_is_kept_while_its_owner_has_nothing_to_ask_for(pair):
    here, first, second = pair
    here.execute("update turns set until = now() + interval '1 second'")
    first._components._parts._lease_recovery._next_ns = 0
    first._components.recover()
    ((left_s,),) = here.rows("select extract(epoch from until - now()) from turns")
    assert left_s > 60
    assert not turn(second)


def test_a_worker_whose_walk_was_taken_over_in_mid_step_pays_nothing(pair):
    here, first, second = pair
    metered_client, call = first._components.metered_client, first._components.metered_client.call

    def late(request_plan):
        lose_turn(here, first)
        second.step()
        return call(request_plan)

    metered_client.call = late
    assert first.step() == job.StepDone(completes=False)
    pages = [call["page"] for call in here.simulator.control()["log"] if call["endpoint"] == "/deal"]
    assert pages == [0, 1]

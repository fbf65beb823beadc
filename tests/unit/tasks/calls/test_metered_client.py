"""A call from lease to spool, with a ledger in memory and a server that answers by script."""

from __future__ import annotations

import pytest

from ledger import Reading
from ledger.model import leases
from ledger.storage.transaction import change
from tasks.calls.request_plan import ClaimedRequest, SpooledReply
from tasks.calls.spool_header import Origin
from tasks.keepa.request import ProductRequest
from tasks.runtime.job import Idle
from tests.fixtures.metered_calls import Wanting, answer

NS = 10**9


def test_a_call_asks_for_the_balance_once_then_pays_what_the_server_charged(shop):
    here = shop(answer(7))
    request_plan = Wanting()
    paid = here.metered_client.call(request_plan)
    assert isinstance(paid, SpooledReply)
    assert here.script.sent == ["/token", "/product"]
    assert here.balance == 293
    (path,) = here.entries()
    header, body = paid.entry.read()
    assert (header.estimate, header.items, header.status) == (10, 10, 200)
    assert body == paid.body
    paid.acknowledge()
    assert not path.exists()
    assert request_plan.given_back == 0


def test_a_body_of_the_api_is_on_disk_before_it_is_looked_into_and_another_is_never_kept(shop):
    here = shop((200, b"<html>not JSON</html>"), answer())
    seen = []
    put = here.spool.put
    here.spool.put = lambda header, body, packed: seen.append(body) or put(header, body, packed)
    paid, _ = here.until_paid(Wanting())
    assert seen == [paid.body]
    assert len(here.entries()) == 1


def test_where_nothing_may_block_a_closed_gate_is_told_with_its_time(shop):
    here = shop(answer(), blocking=False, balance=100)
    outcome = here.metered_client.call(Wanting())
    assert isinstance(outcome, Idle)
    assert outcome.phase == "waiting_tokens"
    assert outcome.until_ns > here.clock.now_ns()
    assert "backfill waits for 10 tokens" in outcome.why
    assert here.script.sent == ["/token"]


def test_less_work_than_planned_is_reserved_for_as_what_it_is(shop):
    here = shop(answer(10))
    paid = here.metered_client.call(Wanting(most=50))
    assert paid.header.estimate == 10
    assert here.ledger.snapshot().costs[0].mean == 1.0


def test_no_work_at_all_gives_the_tokens_back(shop):
    here = shop()
    request_plan = Wanting()
    request_plan.is_empty = True
    outcome = here.metered_client.call(request_plan)
    assert outcome.phase == "waiting_work"
    assert here.balance == 300


def test_nothing_is_sent_for_a_lease_that_others_have_resolved_meanwhile_and_it_is_reserved_for_anew(shop):
    here = shop(answer(10))
    request_plan = Wanting()
    take = request_plan.claim

    def taken_for_dead():
        change(here.ledger._home, lambda view: leases.resolve_dead(view, here.clock.now_ns(), lambda _owner: False))
        request_plan.claim = take
        return take()

    request_plan.claim = taken_for_dead
    outcome = here.metered_client.call(request_plan)
    assert (outcome.phase, outcome.until_ns, request_plan.given_back) == ("waiting_tokens", here.clock.now_ns(), 1)
    assert "nothing may be sent: reserve again" in outcome.why
    assert (here.sent(), here.balance) == (0, 300)
    assert isinstance(here.metered_client.call(request_plan), SpooledReply)
    assert (here.sent(), here.balance) == (1, 290)


def test_an_error_while_work_is_taken_gives_the_tokens_back(shop):
    here = shop()
    request_plan = Wanting()
    request_plan.claim = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        here.metered_client.call(request_plan)
    assert here.balance == 300


def test_a_full_spool_stops_calls_until_it_drains(shop):
    here = shop(answer(), answer(), limit_bytes=1)
    paid = here.metered_client.call(Wanting())
    outcome = here.metered_client.call(Wanting())
    assert isinstance(outcome, Idle)
    assert outcome.until_ns == here.clock.now_ns() + 5 * NS
    assert here.script.sent == ["/token", "/product"]
    paid.acknowledge()
    assert isinstance(here.metered_client.call(Wanting()), SpooledReply)


def test_a_disk_that_takes_nothing_does_not_lose_what_was_paid_for(shop):
    def full(_header, _body, _packed):
        raise OSError(28, "No space left on device")

    here = shop(answer())
    here.spool.put = full
    paid = here.metered_client.call(Wanting())
    assert paid.entry is None
    paid.acknowledge()
    assert "spool_write_failed" in here.text.getvalue()


def test_a_plan_that_can_never_pay_is_said_and_looked_at_again_later(shop):
    here = shop()
    here.ledger.observe(Reading(tokens_left=100, refill_rate=5, refill_in_ms=1000, server_ms=1))
    outcome = here.metered_client.call(Wanting(most=100 * 3))
    assert isinstance(outcome, Idle)
    assert outcome.until_ns == here.clock.now_ns() + 60 * NS
    assert "never_enough_tokens" in here.text.getvalue()


def test_the_beat_promises_the_end_of_a_call(shop):
    here = shop(answer())
    here.metered_client.call(Wanting())
    promised = [beat for beat in here.beats if beat["phase"] == "calling"]
    assert promised
    assert all(beat["until_ns"] > here.clock.now_ns() for beat in promised)


def test_work_that_the_plan_can_never_pay_for_is_looked_at_again_later_and_not_at_once(shop):
    here = shop()
    request_plan = Wanting(most=5)
    many = tuple(f"B{n:09d}" for n in range(20))
    request_plan.claim = lambda: ClaimedRequest(
        ProductRequest(1, many, "offers"), Origin(job="backfill", domain=1, asins=many)
    )
    outcome = here.metered_client.call(request_plan)
    assert isinstance(outcome, Idle)
    assert outcome.until_ns == here.clock.now_ns() + 60 * NS
    assert request_plan.given_back == 1
    assert "never_enough_tokens" in here.text.getvalue()

"""Calls that fail are made again ever more rarely, and the free request shows when the API is back."""

from __future__ import annotations

import itertools

import pytest

from ledger import Reading
from tasks.calls.request_plan import SpooledReply
from tasks.errors import NotSent, Transient
from tasks.keepa.reply import RawReply
from tasks.runtime.job import Idle
from tests.fixtures.metered_calls import Wanting, answer

NS = 10**9


def test_what_may_pass_is_made_again_with_a_lease_of_its_own_and_its_items_wait_meanwhile(shop):
    here = shop(Transient("cut"), (500, b"oops"), answer())
    request_plan = Wanting()
    here.until_paid(request_plan)
    assert (request_plan.given_back, request_plan.postponed) == (0, 2)
    assert here.sent() == 3
    assert [call.cost for call in here.calls if call.endpoint == "/product"] == [None, None]
    assert here.balance == 290
    assert here.halt.pauses == [], "a pause is the worker's, who hears a stop in it"


def test_a_request_that_never_left_costs_nothing_and_needs_no_reading(shop):
    here = shop(NotSent("refused"), answer())
    request_plan = Wanting()
    here.until_paid(request_plan)
    assert here.script.sent == ["/token", "/product", "/product"]
    assert (request_plan.given_back, request_plan.postponed) == (1, 0)
    assert [call.cost for call in here.calls if call.endpoint == "/product"] == [0]


def test_a_call_that_fails_for_ever_ends_nobody_and_is_made_ever_more_rarely(shop):
    here = shop(*[Transient("cut")] * 1000)
    request_plan, began_ns, sent_at = Wanting(), here.clock.now_ns(), []
    while here.clock.now_ns() < began_ns + 6 * 3600 * NS:
        before = here.sent()
        outcome = here.metered_client.call(request_plan)
        assert isinstance(outcome, Idle)
        if here.sent() > before:
            sent_at.append((here.clock.now_ns() - began_ns) / NS)
        assert outcome.until_ns > here.clock.now_ns()
        here.clock.advance_to_ns(outcome.until_ns)
    assert len([at for at in sent_at if at < 30]) == 2
    pauses = [later - at for at, later in itertools.pairwise(sent_at)]
    assert pauses[1] >= 30
    assert all(later >= 1.4 * pause for pause, later in itertools.pairwise(pauses[:6]))
    assert all(900 <= pause < 1150 for pause in pauses[7:])
    assert here.conditions() == {"calls": "x: cut"}


def test_an_api_that_is_there_all_the_while_is_looked_for_once_after_each_failure(shop):
    here = shop(*[Transient("cut")] * 1000, blocking=False)
    began_ns = here.clock.now_ns()
    while here.clock.now_ns() < began_ns + 6 * 3600 * NS:
        here.clock.advance_to_ns(here.metered_client.call(Wanting()).until_ns)
    looks = here.sent("/token") - here.sent("/product")  # each lost call has the balance asked for once more
    assert looks <= here.sent("/product") + 5


def test_what_never_leaves_is_tried_every_few_seconds(shop):
    here = shop(*[NotSent("refused")] * 1000)
    began_ns = here.clock.now_ns()
    while here.clock.now_ns() < began_ns + 600 * NS:
        here.clock.advance_to_ns(here.metered_client.call(Wanting()).until_ns)
    assert 60 <= here.sent() <= 150
    here.script.answers = [answer()]
    _, idle = here.until_paid(Wanting())
    assert idle <= 1
    assert here.conditions() == {}


def test_a_hiccup_is_not_told_and_a_second_failure_is(shop):
    here = shop(Transient("cut"), Transient("cut again"), answer())
    here.metered_client.call(Wanting())
    assert here.conditions() == {}
    here.clock.advance_s(7)
    here.metered_client.call(Wanting())
    assert here.conditions() == {"calls": "x: cut again"}
    here.until_paid(Wanting())
    assert here.conditions() == {}


@pytest.mark.parametrize("kind", [Transient, NotSent])
def test_a_call_that_lasted_long_in_vain_is_told_at_once_since_it_was_made(shop, kind):
    def late(script):
        script.clock.advance_s(120)
        raise kind("no answer in time")

    here = shop(late, answer())
    here.metered_client.call(Wanting())
    (told,) = here.beats[-1]["conditions"]
    assert (told["kind"], told["why"], told["late_s"]) == ("calls", "x: no answer in time", 120)
    here.until_paid(Wanting())
    assert here.conditions() == {}


def test_calls_that_fail_do_so_since_the_first_of_them_was_made(shop):
    here = shop(Transient("cut"), Transient("cut again"))
    here.metered_client.call(Wanting())
    here.clock.advance_s(7)
    here.metered_client.call(Wanting())
    (told,) = here.beats[-1]["conditions"]
    assert told["late_s"] == 7


def test_the_return_of_the_api_is_seen_by_a_free_request_and_ends_the_longest_pause(shop):
    page = (502, b"<html>bad gateway</html>")
    here = shop(*[page] * 100)
    told, away = here.script.send, RawReply(*page, 0.0, "/token")
    here.script.send = lambda request: told(request) if request.endpoint == "/product" else away
    here.ledger.observe(Reading(tokens_left=300, refill_rate=5, refill_in_ms=1000, server_ms=1))
    began_ns = here.clock.now_ns()
    while here.clock.now_ns() < began_ns + 3600 * NS:
        here.clock.advance_to_ns(here.metered_client.call(Wanting()).until_ns)
    assert here.conditions() != {}
    here.script.send, here.script.answers = told, [answer()]
    back_ns = here.clock.now_ns()
    here.until_paid(Wanting())
    assert here.clock.now_ns() - back_ns < 15 * NS
    assert here.conditions() == {}


def test_another_request_need_not_wait_for_the_one_that_fails(shop):
    here = shop(Transient("cut"), answer())
    request_plan, other = Wanting(), Wanting()
    other.what = "/product stats"
    assert here.metered_client.call(request_plan).is_held
    assert isinstance(here.metered_client.call(other), SpooledReply)
    assert here.metered_client.call(request_plan).is_held
    assert here.sent() == 2

"""What a refusal says, by its status: of the tokens, of the request, or of the key."""

from __future__ import annotations

import itertools
import json

import pytest

from ledger import Reading
from tasks.errors import Forbidden, RequestRefused, Transient
from tasks.keepa.reply import RawReply
from tasks.keepa.request import product_shape
from tasks.runtime.job import Idle
from tests.fixtures.metered_calls import Wanting, answer

NS = 10**9


def refusal(script):
    return 429, script.body(left=-5)


def test_a_429_is_no_failure_costs_nothing_and_teaches_no_cost(shop):
    here = shop(refusal)
    request_plan = Wanting()
    outcome = here.metered_client.call(request_plan)
    assert isinstance(outcome, Idle)
    assert outcome.phase == "waiting_tokens"
    assert request_plan.given_back == 1
    assert here.halt.pauses == []
    assert here.balance == -5
    assert here.ledger.snapshot().totals.refused_429 == 1
    assert here.ledger.estimate(product_shape("history", 10)) == 10


def test_refusals_in_a_row_that_nobody_waited_for_wait_for_the_refill(shop):
    def lie(script):
        return 429, script.body(left=300)

    here = shop(lie, lie)
    first = here.metered_client.call(Wanting())
    assert first.until_ns == here.clock.now_ns()
    second = here.metered_client.call(Wanting())
    assert second.until_ns > here.clock.now_ns() + 29 * NS


def test_a_429_that_tells_no_balance_is_tried_again_later_like_any_trouble(shop):
    here = shop((429, b"slow down"), (429, b'{"tokensLeft":"none"}'), answer())
    request_plan = Wanting()
    _, idle = here.until_paid(request_plan)
    assert idle >= 2
    assert (request_plan.given_back, request_plan.postponed) == (1, 1), "only the API's own 429 is known to be free"


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 410, 451])
def test_what_others_than_the_api_say_is_nobodys_refusal(shop, status):
    here = shop((status, b"<html>sign in</html>"), answer())
    request_plan = Wanting()
    here.until_paid(request_plan)
    assert request_plan.postponed == 1
    assert here.conditions() == {}


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_key_that_everybody_refuses_for_minutes_ends_the_run_with_what_to_do(shop, status):
    here = shop(*[(status, b"<html>challenge</html>")] * 100)
    told, page = here.script.send, RawReply(status, b"<html>challenge</html>", 0.0, "/token")
    here.script.send = lambda request: told(request) if request.endpoint == "/product" else page
    here.ledger.observe(Reading(tokens_left=300, refill_rate=5, refill_in_ms=1000, server_ms=1))
    began_ns = here.clock.now_ns()
    with pytest.raises(Forbidden, match="for 10 minutes: check KEEPA_API_KEY"):
        while True:
            here.clock.advance_to_ns(here.metered_client.call(Wanting()).until_ns)
            assert here.conditions()["key"].startswith(f"x: {status} for /")
    assert 600 <= (here.clock.now_ns() - began_ns) / NS < 900


def test_a_key_that_is_refused_by_others_in_between_ends_nothing(shop):
    here = shop(*[(403, b"<html>challenge</html>")] * 1000)
    here.ledger.observe(Reading(tokens_left=300, refill_rate=5, refill_in_ms=1000, server_ms=1))
    began_ns = here.clock.now_ns()
    while here.clock.now_ns() < began_ns + 4 * 3600 * NS:
        here.clock.advance_to_ns(here.metered_client.call(Wanting()).until_ns)
    assert here.sent("/token") > 1, "which the API answers all the while"


def test_a_refused_request_is_free_and_blames_the_key_only_if_the_key_is_bad(shop):
    zero = json.dumps({"refillRate": 0, "tokensLeft": 0, "error": {"message": "bad parameter"}}).encode()
    here = shop((400, zero))
    with pytest.raises(RequestRefused, match="bad parameter"):
        here.metered_client.call(Wanting())
    assert here.script.sent == ["/token", "/product", "/token"]
    assert here.balance == 300

    other = shop((400, zero))
    other.ledger.observe(Reading(tokens_left=300, refill_rate=5, refill_in_ms=1000, server_ms=1))
    other.script.body = lambda **_more: b""
    other.script.send = lambda request: RawReply(400, zero, 0.0, request.endpoint)
    with pytest.raises(Forbidden, match="KEEPA_API_KEY"):
        other.metered_client.call(Wanting())


def odd_token(here, status, *, first=0):
    """Have `/token` answer with the API's own envelope under another status, after `first` good answers."""
    send, counted = here.script.send, itertools.count()

    def odd(request):
        reply = send(request)
        if request.endpoint == "/token" and next(counted) >= first:
            return RawReply(status, reply.body, 0.0, "/token")
        return reply

    here.script.send = odd


@pytest.mark.parametrize("status", [406, 409, 410, 418, 422, 429, 451, 499])
def test_a_question_for_the_balance_that_is_refused_is_no_refusal_of_the_work(shop, status):
    here = shop(answer(), blocking=False)
    odd_token(here, status)
    paid, times = here.until_paid(Wanting())
    assert paid.header.endpoint == "/product"
    assert times <= 10
    assert here.sent("/token") <= 10, "no more than the pauses let through"


@pytest.mark.parametrize("status", [410, 422, 429])
def test_a_refusal_is_the_works_though_nobody_can_be_asked_about_the_key(shop, status):
    zero = json.dumps({"refillRate": 0, "tokensLeft": 0, "error": {"message": "bad parameter"}}).encode()
    here = shop((400, zero), answer(), blocking=False)
    odd_token(here, status, first=1)
    request_plan = Wanting()
    if status == 429:  # which an unknown key is never answered with
        with pytest.raises(RequestRefused, match="bad parameter"):
            here.metered_client.call(request_plan)
    else:
        assert isinstance(here.metered_client.call(request_plan), Idle)
        assert request_plan.given_back == 1


@pytest.mark.parametrize("status", [410, 422, 429])
def test_a_look_whether_the_api_is_back_that_is_refused_ends_nobody(shop, status):
    here = shop(*[Transient("cut")] * 3, answer(), blocking=False)
    odd_token(here, status, first=1)
    assert here.until_paid(Wanting())[0].header.endpoint == "/product"
    assert here.sent("/token") > 2


@pytest.mark.parametrize("later", [502, None])
def test_a_doubt_about_the_key_ends_when_nobody_asks_any_more(shop, later):
    here = shop((403, b"<html>challenge</html>"), *[(later, b"<html>gone</html>")] * (later is not None))
    here.ledger.observe(Reading(tokens_left=300, refill_rate=5, refill_in_ms=1000, server_ms=1))
    here.clock.advance_to_ns(here.metered_client.call(Wanting()).until_ns)
    if later is not None:
        here.metered_client.call(Wanting())
    here.metered_client.update_conditions()
    here.clock.advance_to_ns(here.clock.now_ns() + 1201 * NS)
    here.metered_client.update_conditions()
    here.metered_client._context.beat.phase("waiting_work")
    assert here.conditions() == {}

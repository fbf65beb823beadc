"""Replies that are odd: what was paid for is kept and settled, and nobody ends for what a reply does not tell."""

from __future__ import annotations

import pytest

from tasks.calls.request_plan import SpooledReply
from tasks.errors import Transient
from tests.fixtures.metered_calls import Wanting, answer

NS = 10**9


@pytest.mark.parametrize(
    "odd",
    [
        {"processingTimeInMs": None},
        {"processingTimeInMs": 1.5},
        {"processingTimeInMs": "fast"},
        {"tokenFlowReduction": None},
        {"timestamp": 1.757874538842e12},
        {"error": "none"},
        {"error": 5},
        {"error": {"type": 7}},
    ],
    ids=str,
)
def test_an_odd_field_that_decides_nothing_does_not_spoil_what_was_paid_for(shop, odd):
    here = shop(answer(7, **odd))
    paid = here.metered_client.call(Wanting())
    assert isinstance(paid, SpooledReply)
    assert here.script.sent == ["/token", "/product"]
    assert here.balance == 293
    assert len(here.entries()) == 1


@pytest.mark.parametrize(
    "odd", [{"tokensConsumed": None}, {"tokensConsumed": "seven"}, {"tokensConsumed": -1}], ids=str
)
def test_a_whole_reply_that_does_not_tell_its_cost_is_kept_and_the_next_reading_tells(shop, odd):
    here = shop(answer(7, **odd), answer(3))
    paid = here.metered_client.call(Wanting())
    assert isinstance(paid, SpooledReply)
    assert paid.envelope.tokens_consumed is None
    assert here.script.sent == ["/token", "/product"]
    paid.acknowledge()
    assert isinstance(here.metered_client.call(Wanting()), SpooledReply)
    assert here.balance == 290


@pytest.mark.parametrize(
    "odd", [{"tokensLeft": None}, {"refillRate": "5"}, {"refillIn": []}, {"timestamp": "now"}], ids=str
)
def test_a_whole_reply_that_does_not_tell_the_balance_is_settled_at_what_it_says_it_cost(shop, odd):
    here = shop(answer(7, **odd))
    paid = here.metered_client.call(Wanting())
    assert isinstance(paid, SpooledReply)
    assert paid.envelope.reading is None
    assert here.script.sent == ["/token", "/product"]
    assert here.balance == 293


@pytest.mark.parametrize("body", [b"[]", b'"sorry"', b"null", b"{}", b"[1, 2", b"<html>", b"", b'{"status": "up"}'])
def test_a_good_status_with_what_is_not_the_apis_is_a_failed_call(shop, body):
    here = shop((200, body), answer())
    here.until_paid(Wanting())
    assert here.sent() == 2
    assert len(here.entries()) == 1


@pytest.mark.parametrize(
    "body",
    [
        b'{"tokensLeft": 5, "products": [',
        b'{"tokensLeft": 5, "products": [{"title": "\\ud83d x"}]}',
        b'{"refillRate": NaN}',
        b'{"products": [{"asin": "B0',
    ],
)
@pytest.mark.parametrize("status", [200, 203])
def test_a_body_of_the_api_is_never_thrown_away_or_bought_again_for_its_form(shop, body, status):
    here = shop((status, body), answer())
    paid = here.metered_client.call(Wanting())
    assert isinstance(paid, SpooledReply)
    assert paid.entry.read()[1] == body
    assert here.sent() == 1


def test_a_balance_the_server_never_tells_ends_nobody_and_is_told_of(shop):
    here = shop()

    def silent(request):
        here.script.sent.append(request.endpoint)
        raise Transient("/token: no reply")

    here.script.send = silent
    began_ns = here.clock.now_ns()
    while here.clock.now_ns() < began_ns + 600 * NS:
        outcome = here.metered_client.call(Wanting())
        assert outcome.phase == "calling"
        assert "no reply" in outcome.why
        here.clock.advance_to_ns(outcome.until_ns)
    assert here.conditions() == {"calls": "x: /token: no reply"}
    begun = [beat for beat in here.beats if beat["detail"] == "/token"]
    assert begun
    assert all(beat["until_ns"] >= began_ns + (30 + 2 * 120) * NS for beat in begun)

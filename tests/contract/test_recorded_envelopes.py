"""Envelopes, errors and charges as a real server sent them."""

import json

import pytest

from ledger import Reading
from tasks.errors import Forbidden, RequestRefused, Throttled
from tasks.keepa import request
from tasks.keepa.decode.replies import decode_envelope
from tasks.keepa.reply import RawReply, envelope_of_reply


@pytest.fixture(scope="session")
def series(recorded):
    lines = (recorded / "token" / "token_status_series.jsonl").read_text().splitlines()
    return [(decode_envelope(line.encode()), json.loads(line)) for line in lines]


def test_every_recorded_envelope_is_a_reading(series):
    assert len(series) == 55
    for envelope, sent in series:
        assert envelope.reading == Reading(
            tokens_left=sent["tokensLeft"],
            refill_rate=sent["refillRate"],
            refill_in_ms=sent["refillIn"],
            server_ms=sent["timestamp"],
            flow_reduction=sent["tokenFlowReduction"],
        )
        assert envelope.tokens_consumed == sent["tokensConsumed"]
        assert envelope.processing_ms == sent.get("processingTimeInMs", 0)


def test_the_balance_is_at_most_an_hour_of_refill_and_may_be_below_zero(series):
    balances = [envelope.tokens_left for envelope, _ in series]
    assert max(balances) <= 300
    assert min(balances) < 0


def test_the_next_tick_is_at_most_a_minute_away(series):
    assert all(0 < envelope.refill_in_ms <= 60_500 for envelope, _ in series)


def test_a_429_is_no_failure_and_tells_the_bucket(recorded):
    body = (recorded / "errors" / "429_deal_20250916.json").read_bytes()
    with pytest.raises(Throttled, match="the balance is -249, not above 0") as caught:
        envelope_of_reply(RawReply(429, body, 0.3, "/deal"))
    assert caught.value.reading == Reading(
        tokens_left=-249, refill_rate=5, refill_in_ms=45_592, server_ms=1_758_036_697_230, flow_reduction=0.0
    )


def test_a_400_says_nothing_about_the_bucket_and_only_the_token_call_says_that_it_is_the_key(recorded):
    body = (recorded / "errors" / "400_invalid_key_jleagle_test.json").read_bytes()
    for endpoint, kind in (("/deal", RequestRefused), ("/product", RequestRefused), ("/token", Forbidden)):
        with pytest.raises(kind, match="invalidParameter: You used an invalid parameter for this API call") as caught:
            envelope_of_reply(RawReply(400, body, 0.3, endpoint))
        assert caught.value.reading is None


def test_the_first_guess_for_offers_covers_nearly_all_real_batches(recorded):
    lines = (recorded / "token" / "product_batch_costs.txt").read_text().splitlines()
    batches = [(int(line.split()[2]), int(line.split()[3])) for line in lines if line.lstrip("[").startswith("2025-")]
    assert len(batches) == 119
    short = [batch for batch in batches if batch[1] > request.product_shape("offers", batch[0]).prior * batch[0]]
    assert len(short) == 1

"""The client everybody uses, before our simulator: its models take what we send, and it reads what our client reads."""

import json

import msgspec
import pytest
from keepa.models import backend

from tasks.errors import ConfigError
from tasks.keepa.client import KeepaClient
from tasks.keepa.decode.replies import decode_deals, decode_envelope
from tasks.keepa.request import DealRequest
from tasks.keepa.selection.rules import RULES
from tasks.keepa.selection.selection import parse
from tasks.secret import Secret
from tasks.simulator.api import unknown
from tasks.simulator.config import SimulatorConfig
from tasks.simulator.server import SimulatorServer
from tests.fakes.api.keepa_package import Judge

BALANCE = 4_321
# Sent with every recorded deal, and not in the official client's struct, from which the models are made.
NOT_IN_THE_MODEL = {
    "backInStock",
    "dateIntervalIndex",
    "lightningStart",
    "salesRankDrops30",
    "salesRankDrops90",
    "salesRankDrops180",
    "salesRankDrops365",
}


@pytest.fixture(scope="module", params=[34, 36])
def judge(request):
    """The judge before a market that stands still."""
    settings = {"market_minute": 8_300_000, "deals": 300, "rate": 1_000, "start_balance": BALANCE}
    with SimulatorServer(SimulatorConfig(slots=request.param, **settings)) as simulator:
        yield Judge(simulator.url)


@pytest.fixture(scope="module", params=[0, 1, 99])
def page(judge, request):
    """A full page, the page behind it, and one past the end."""
    return judge.deals(page=request.param)


def test_both_know_the_same_bucket_after_every_kind_of_call(judge):
    for ask in (judge.token, judge.deals, lambda: judge.products(["B000000001"])):
        ask()
        reading = decode_envelope(judge.bodies[-1]).reading
        status = judge.api.status
        assert judge.api.tokens_left == status.tokensLeft == reading.tokens_left
        assert (status.refillIn, status.refillRate, status.timestamp) == (
            reading.refill_in_ms,
            reading.refill_rate,
            reading.server_ms,
        )


def test_it_spends_what_the_documentation_says(judge):
    judge.token()
    before = judge.api.tokens_left
    judge.deals()
    assert before - judge.api.tokens_left == decode_envelope(judge.bodies[-1]).tokens_consumed == 5


def test_its_model_of_a_reply_takes_the_whole_body(judge):
    for ask in (judge.token, judge.deals, lambda: judge.products(["B000000001"], stats=90, offers=20)):
        ask()
        response = backend.Response.model_validate_json(judge.bodies[-1], strict=True)
        envelope = decode_envelope(judge.bodies[-1])
        assert response.model_extra.keys() <= {"dealsCached"}
        assert (response.timestamp, response.tokensLeft, response.refillIn, response.refillRate) == (
            envelope.timestamp_ms,
            envelope.tokens_left,
            envelope.refill_in_ms,
            envelope.refill_rate,
        )
        assert (response.tokenFlowReduction, response.processingTimeInMs) == (
            envelope.token_flow_reduction,
            envelope.processing_ms,
        )


def test_every_deal_is_read_alike(page, without_nulls, as_sent):
    theirs, models, ours = page
    assert as_sent(ours.deals) == without_nulls(theirs["dr"])
    assert as_sent(ours.deals) == without_nulls([deal.model_dump(exclude_unset=True) for deal in models.dr])


def test_the_categories_are_read_alike(page):
    _, models, ours = page
    assert models.categoryIds == ours.category_ids
    assert models.categoryNames == ours.category_names
    assert models.categoryCount == ours.category_counts


def test_its_model_knows_every_field_but_those_the_official_client_leaves_out(page):
    _, models, ours = page
    assert models.model_extra == {}
    assert len(models.dr) == len(ours.deals)
    made_up = {name for deal in models.dr for name in deal.model_extra.keys() - NOT_IN_THE_MODEL}
    assert made_up <= unknown.NAMES
    assert made_up or not models.dr
    assert all(deal.model_extra.keys() >= NOT_IN_THE_MODEL for deal in models.dr)


def test_recorded_pages_are_read_alike_too(deal_bodies, without_nulls):
    for body in deal_bodies.values():
        models = backend.DealResponse.model_validate(json.loads(body)["deals"])
        assert [msgspec.to_builtins(deal) for deal in decode_deals(body).deals] == without_nulls(
            [deal.model_dump(exclude_unset=True) for deal in models.dr]
        )
        assert all(deal.model_extra.keys() == NOT_IN_THE_MODEL for deal in models.dr)


SAMPLES = {
    "bool | None": (True, 1),
    "int | None": (3, "three"),
    "str | None": ("two words", 2),
    "list[int | None] | None": ([20, 50], ["20", "50"]),
    "list[str | None] | None": (["one", "two"], [1]),
}
FEWER = {"priceTypes": [2], "warehouseConditions": [2, 3]}


def test_every_parameter_of_the_official_client_is_known_and_of_its_type():
    fields = backend.DealRequest.model_fields
    assert RULES.keys() - fields.keys() == {"isHighest", "isRisers"}  # of the documentation only
    assert fields.keys() <= RULES.keys()
    for name, field in fields.items():
        good, bad = SAMPLES[str(field.annotation)]
        query = {"domainId": 1, "priceTypes": [2], "isRangeEnabled": True, "isFilterEnabled": True}
        assert parse(query | {name: FEWER.get(name, good)}, name="s").query[name]
        with pytest.raises(ConfigError, match=f"- {name}: "):
            parse(query | {name: bad}, name="s")


def test_a_selection_of_ours_is_one_the_package_sends_and_the_simulator_answers_both_alike(judge):
    selection = parse({"domainId": 1, "priceTypes": [1], "dateRange": 3, "sortType": 4}, name="s")
    _, _, theirs = judge.deals(**json.loads(selection.to_json(page=0)))
    with KeepaClient(Secret("a-key-of-the-tests"), judge.url) as client:
        ours = decode_deals(client.send(DealRequest(selection, 0)).body)
    assert ours.deals == theirs.deals

"""What requests cost, by the table of the API."""

from __future__ import annotations

import statistics
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.keepa import detail
from tasks.simulator.api import costs, products
from tasks.simulator.api.costs import Outcome
from tasks.simulator.api.product_query import ProductQuery, parse
from tasks.simulator.market.market import Market, Scope
from tasks.simulator.market.price_timeline import EPOCH_MINUTE

PLAIN = ProductQuery(domain=1)
OFFERS = ProductQuery(domain=1, offers=100)
NOW_MS = (8_300_000 + EPOCH_MINUTE) * 60_000


@pytest.mark.parametrize(
    ("query", "outcome", "tokens"),
    [
        (PLAIN, Outcome(), 1),
        (replace(PLAIN, has_history=False), Outcome(), 1),
        (PLAIN, Outcome(is_found=False), 1),
        (PLAIN, Outcome(is_found=False, is_readable=False), 0),
        (replace(PLAIN, update_h=-1), Outcome(is_found=False), 0),
        (replace(PLAIN, codes=("1",)), Outcome(is_found=False), 0),
        (replace(PLAIN, update_h=0), Outcome(age_min=59), 2),
        (replace(PLAIN, update_h=0), Outcome(age_min=60), 1),
        (replace(PLAIN, buy_box=True), Outcome(), 3),
        (replace(PLAIN, buy_box=True, rating=True), Outcome(has_fresh_rating=True), 4),
        (replace(PLAIN, rating=True), Outcome(has_fresh_rating=False), 1),
        (replace(PLAIN, stock=True), Outcome(has_fresh_stock=True), 1),
        (replace(PLAIN, variations=True), Outcome(has_parent=True), 2),
        (OFFERS, Outcome(offers=1, age_min=90), 6),
        (OFFERS, Outcome(offers=10, age_min=90), 6),
        (OFFERS, Outcome(offers=11, age_min=90), 12),
        (OFFERS, Outcome(offers=95, age_min=90), 60),
        (OFFERS, Outcome(is_collected=False), 1),
        (OFFERS, Outcome(is_found=False, is_readable=False), 0),
        (replace(OFFERS, buy_box=True), Outcome(offers=1), 6),
        (replace(OFFERS, stock=True), Outcome(offers=1, has_fresh_stock=True), 8),
        (replace(OFFERS, update_h=24, is_update_asked=True), Outcome(offers=1, age_min=90), 5),
        (replace(OFFERS, update_h=1, is_update_asked=True), Outcome(offers=1, age_min=90), 6),
    ],
)
def test_a_product_costs_what_the_table_says(query, outcome, tokens):
    assert costs.product(query, outcome) == tokens


DETAILS = [
    "stats", "stats+rating", "stats+buybox", "history", "history+buybox+rating", "offers", "offers+stock",
    "offers+rating+stock",
]  # fmt: skip


@given(st.sampled_from(DETAILS), st.integers(0, 20), st.tuples(*[st.booleans()] * 5), st.booleans())
def test_no_product_costs_more_than_its_detail_can(asked, offers, facts, has_code):
    found, collected, parent, rating, stock = facts
    query = parse({"domain": "1", "code" if has_code else "asin": "B000000001"} | detail.params(asked))
    outcome = Outcome(
        is_found=found, offers=offers, is_collected=collected, has_parent=parent, has_fresh_rating=rating,
        has_fresh_stock=stock,
    )  # fmt: skip
    assert costs.product(query, outcome) <= detail.most_tokens(detail.detail(asked))


@pytest.mark.kill
def test_offers_cost_about_seven_tokens_a_product_and_up_to_sixty():
    market = Market(Scope(products=500, closed_share=0.0))
    spent = []
    for index in range(500):
        answer = products.answer(market, market.item(index).asin, OFFERS, NOW_MS)
        spent.append(costs.product(OFFERS, answer.outcome))
    assert 6.4 < statistics.mean(spent) < 7.6
    assert min(spent) == 1
    assert max(spent) >= 48
    assert {tokens % 6 for tokens in spent} <= {0, 1}


def test_batches_with_twenty_offers_cost_what_was_recorded():
    market = Market(Scope(products=300, closed_share=0.0))
    query = ProductQuery(domain=1, offers=20, rating=True, stock=True, buy_box=True)
    spent = [
        costs.product(query, products.answer(market, market.item(index).asin, query, NOW_MS).outcome)
        for index in range(300)
    ]
    batches = [sum(spent[at : at + 50]) / 50 for at in range(0, 300, 50)]
    assert 6.4 < statistics.mean(batches) < 7.6
    assert all(3.8 < batch < 10.5 for batch in batches)

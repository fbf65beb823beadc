"""Sources beside selections: every fault at once, what is asked of the API, and what a body lists."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from keepa.models.backend import ProductFinderRequest

from tasks.errors import ConfigError, Transient
from tasks.keepa.decode.listing import decode_listing
from tasks.keepa.source import finder, source
from tasks.keepa.source.explanation import explain, products
from tasks.keepa.source.request import ListingRequest, is_last

BOOKS = {"source": "bestsellers", "domainId": 1, "categoryId": 283_155}
SHOP = {"source": "seller", "domainId": 3, "sellerId": "A2L77EE7U53NWQ"}
SEARCH = {"source": "product-finder", "domainId": 1, "query": {"brand": ["Lego"], "current_NEW_lte": 5_000}}
BEST = {"source": "category", "domainId": 1, "categoryId": 283_155}
LIGHTNING = {"source": "lightning-deals", "domainId": 1}
ALL = [BOOKS, SHOP, SEARCH, BEST, LIGHTNING]
HEAD = '"timestamp":1757873538842,"tokensLeft":5,"tokensConsumed":50,"refillIn":1,"refillRate":5'


def parse(given, **changes):
    return source.parse(given | changes, name="mine")


def faults(given, **changes):
    with pytest.raises(ConfigError) as caught:
        parse(given, **changes)
    return str(caught.value)


@given(st.sampled_from(ALL), st.integers(1, 10_000), st.sampled_from([0.5, 1, 7, 6.96]))
def test_what_the_products_of_a_source_cost_is_told_where_it_is_known_how_many_they_are(given, most, each):
    one = parse(given, **({"most": most} if "categoryId" in given or "query" in given else {}))
    told = products(one, each, "history")
    if one.is_counted:
        assert told.endswith(f": up to {most * each:,.0f} tokens for {most:,} products")
    else:
        assert told.endswith("is known once it was read (100,000 at the most)")
    assert f"for {each:.3g} token" in told
    read = products(one, each, "history", listed=70)
    assert read.endswith(f": {70 * each:,.0f} tokens for the 70 that it listed last")


def test_the_names_of_a_search_are_those_of_the_official_client():
    assert set(ProductFinderRequest.model_fields) == finder.NAMES


@pytest.mark.parametrize("given", ALL)
def test_each_kind_is_asked_at_its_endpoint_for_what_it_says(given):
    request = ListingRequest(parse(given))
    params = request.params()
    assert params["domain"] == str(given["domainId"])
    assert request.items == 1
    assert (request.method, request.body()) == ("GET", None)


def test_what_a_call_costs_is_known_before_it_is_made():
    priors = [ListingRequest(parse(given)).shape.prior for given in ALL]
    assert priors == [50, 10, 20, 20, 500]
    assert ListingRequest(parse(SEARCH, most=10)).shape.prior == 11
    assert len({ListingRequest(parse(given)).shape.name for given in ALL}) == 4


def test_a_category_is_a_search_for_what_sells_best_there():
    asked = json.loads(ListingRequest(parse(BEST), page=2).params()["selection"])
    assert asked == {
        "categories_include": [283_155], "sort": [["current_SALES", "asc"]], "page": 2, "perPage": 1_000,
    }  # fmt: skip


def test_a_long_search_travels_as_the_body_of_a_post():
    long = ListingRequest(parse(SEARCH, query={"brand": [f"Brand number {at}" for at in range(500)]}))
    assert long.method == "POST"
    assert "selection" not in long.params()
    assert json.loads(long.body())["perPage"] == 1_000


def test_a_search_ends_with_a_short_page_or_when_it_has_what_was_wanted():
    found = parse(SEARCH, most=2_500)
    assert not is_last(found, 0, 1_000)
    assert is_last(found, 0, 999)
    assert not is_last(found, 1, 1_000)
    assert is_last(found, 2, 1_000)
    assert is_last(parse(BOOKS), 0, 100_000)


def test_all_faults_are_told_at_once():
    told = faults({"source": "bestsellers", "categoryId": "books", "range": 200, "seller": 1, "refresh": "5m"})
    assert "source mine: 5 faults:" in told
    for words in ("domainId: must be", "categoryId: must be", "range: must be", "'seller': a source", "refresh: must"):
        assert words in told


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"source": "best"}, "must be one of bestsellers, seller"),
        (SHOP | {"sellerId": "me"}, "must be the id of one seller"),
        (SEARCH | {"query": []}, "must be an object"),
        (SEARCH | {"query": {}}, "must narrow the search"),
        (SEARCH | {"query": {"brnd": "x"}}, "did you mean brand?"),
        (SEARCH | {"query": {"brand": "x", "perPage": 5}}, "is chosen by Sluicegate"),
        (SEARCH | {"query": {"current_NEW_lte": "5"}}, "must be a whole number"),
        (SEARCH | {"query": {"hasReviews": 1}}, "must be true or false"),
        (SEARCH | {"query": {"categories_include": 5}}, "must be a list of the numbers"),
        (SEARCH | {"query": {"brand": "x", "sort": "rank"}}, "must be a list of one to three pairs"),
        (SEARCH | {"query": {"brand": "x", "sort": [["brand", "asc"]]}}, "cannot sort by"),
        (SEARCH | {"most": 20_000}, "from 1 to 10000"),
        (LIGHTNING | {"domainId": 12}, "domainId: must be one of"),
    ],
)
def test_a_fault_says_what_was_expected(given, words):
    assert words in faults(given)


def test_the_key_stays_while_the_same_products_are_asked_for():
    assert parse(BOOKS).key == parse(BOOKS, refresh="7d", most=5, **{"$comment": "mine"}).key
    assert len({parse(given).key for given in ALL}) == len(ALL)
    assert parse(BOOKS).key != parse(BOOKS, range=30).key


def test_without_a_locale_there_is_one_for_each_of_the_settings():
    given = {name: value for name, value in BOOKS.items() if name != "domainId"}
    assert [one.domain for one in source.for_domains(given, name="mine", domains=(1, 3, 1))] == [1, 3]
    assert [one.domain for one in source.for_domains(BOOKS, name="mine", domains=(3,))] == [1]


A, B = "B000000001", "B000000002"
BODIES = {
    "/bestsellers": f'{{"bestSellersList":{{"asinList":["{A}",null,"{B}"],"categoryId":1}},{HEAD}}}',
    "/seller": f'{{{HEAD},"sellers":{{"A1":{{"asinList":["{A}","{B}","nonsense"]}}}}}}',
    "/query": f'{{"asinList":["{A}","{B}","{A}"],{HEAD},"totalResults":3}}',
    "/lightningdeal": f'{{"lightningDeals":[{{"asin":"{A}"}},{{"asin":"{B}"}},{{}}],{HEAD}}}',
}


@pytest.mark.parametrize(("endpoint", "body"), BODIES.items())
def test_a_body_lists_each_product_once_and_what_is_none_is_counted(endpoint, body):
    found = decode_listing(endpoint, body.encode())
    assert found.asins == (A, B)
    assert found.entries == 3
    assert found.odd == (0 if endpoint == "/query" else 1)
    assert found.envelope.tokens_consumed == 50


def test_a_category_without_best_sellers_and_a_seller_without_products_are_empty_lists():
    assert decode_listing("/bestsellers", f"{{{HEAD}}}".encode()).asins == ()
    assert decode_listing("/seller", f'{{{HEAD},"sellers":{{}}}}'.encode()).asins == ()


@pytest.mark.parametrize("endpoint", BODIES)
def test_a_body_without_its_list_is_not_taken_for_an_empty_one(endpoint):
    for body in (
        b"<html>",
        b'{"asinList":{},"sellers":[],"lightningDeals":5,"bestSellersList":5}',
        BODIES[endpoint][:60].encode(),
    ):
        with pytest.raises(Transient):
            decode_listing(endpoint, body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.sampled_from(sorted(BODIES)), st.sampled_from(["asinList", "sellers", "lightningDeals", "bestSellersList"]), JSON
)
def test_any_list_is_read_or_refused(endpoint, name, value):
    try:
        found = decode_listing(endpoint, json.dumps({name: value}).encode())
    except Transient:
        return
    assert len(found.asins) <= found.entries


@given(st.dictionaries(st.sampled_from([*BOOKS, "refresh", "range", "most", "sellerId", "query", "x"]), JSON))
def test_any_object_is_a_source_or_has_faults(given):
    try:
        found = source.parse(given, name="any")
    except ConfigError:
        return
    assert found.kind in source.KINDS
    assert found.refresh_s >= 3_600


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"source": "bestsellers", "categoryId": 7, "range": 30, "most": 500},
            "up to 500 best sellers of the category 7 by their mean rank of 30 days at amazon.de, every ",
        ),
        ({"source": "seller", "sellerId": "A2L77EE7U53NWQ"}, "what the seller A2L77EE7U53NWQ offers at amazon.de"),
        ({"source": "category", "categoryId": 7}, "up to 1,000 products of the category 7 that sell best at amazon.de"),
        (
            {"source": "product-finder", "query": {"title": "lamp"}, "most": 2_000},
            "up to 2,000 products that a search with 1 condition finds at amazon.de",
        ),
        ({"source": "lightning-deals"}, "the lightning deals at amazon.de"),
    ],
    ids=lambda value: value["source"] if isinstance(value, dict) else "",
)
def test_what_a_source_asks_for_is_said_in_words(given, words):
    assert explain(source.parse({"domainId": 3, **given}, name="s")).startswith(words)

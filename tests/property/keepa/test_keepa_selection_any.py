"""Selections under any input: a verdict comes out, and what passes is stable."""

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import ConfigError
from tasks.keepa.request import LONGEST_GET, DealRequest
from tasks.keepa.selection.explanation import explain
from tasks.keepa.selection.page_link import page_link
from tasks.keepa.selection.rules import FLAG_FILTERS, PRICE_TYPES, RANGES, RULES, TEXT_FILTERS
from tasks.keepa.selection.selection import parse

NAMES = sorted(RULES)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8).filter(str.strip)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def ranges(draw, least=0):
    low = draw(st.integers(least, 10_000))
    return [low, draw(st.integers(low, 2**31 - 1))]


@st.composite
def valid_queries(draw):
    optional = {
        "page": st.integers(0, 66),
        "dateRange": st.integers(0, 3) | st.integers(0, 3).map(str),
        "sortType": st.sampled_from([1, 2, 3, 4, -2, -3, -4]),
        "isFilterEnabled": st.booleans(),
        "minRating": st.integers(-1, 50),
        "includeCategories": st.lists(st.integers(1, 99), max_size=500),
        "excludeCategories": st.lists(st.integers(100, 2**63 - 1), max_size=20),
        "warehouseConditions": st.lists(st.integers(1, 5), max_size=5),
        "titleSearch": st.lists(TEXT.map(lambda text: "".join(text.split())), max_size=50).map(" ".join),
        **dict.fromkeys(TEXT_FILTERS, st.lists(TEXT, max_size=4)),
        **dict.fromkeys(FLAG_FILTERS, st.booleans()),
        **dict.fromkeys(RANGES, ranges()),
        "deltaPercentRange": ranges(80),
    }
    chosen = draw(st.sets(st.sampled_from(sorted(optional)), max_size=8))
    query = {name: draw(st.none() | optional[name]) for name in sorted(chosen)}
    if query.get("mustHaveAmazonOffer"):
        query.pop("mustNotHaveAmazonOffer", None)
    query |= {"domainId": draw(st.sampled_from([1, "1", 3, "10"])), "isRangeEnabled": draw(st.booleans())}
    return query | {"priceTypes": [draw(st.sampled_from(sorted(PRICE_TYPES)))]}


@given(st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), JSON, max_size=6))
def test_any_object_is_a_selection_or_a_list_of_faults(query):
    try:
        selection = parse(query, name="any")
    except ConfigError as error:
        lines = str(error).splitlines()
        assert lines[0].startswith("selection any: ")
    else:
        assert selection.price_type in PRICE_TYPES


@given(st.text() | st.binary())
def test_any_text_that_is_no_selection_is_a_fault(text):
    with pytest.raises(ConfigError, match="selection any: "):
        parse(text, name="any")


@given(valid_queries())
def test_what_is_valid_passes_and_normalising_twice_changes_nothing(query):
    once = parse(query, name="s")
    again = parse(once.to_json(), name="s")
    assert again == once
    assert again.key == once.key


@given(valid_queries(), st.randoms())
def test_the_order_of_names_and_alternatives_does_not_matter(query, random):
    shuffled = dict(random.sample(sorted(query.items(), key=str), len(query)))
    for name in (*TEXT_FILTERS, "includeCategories", "excludeCategories", "warehouseConditions"):
        if shuffled.get(name):
            shuffled[name] = random.sample(shuffled[name], len(shuffled[name]))
    assert parse(shuffled, name="s").key == parse(query, name="s").key


@given(valid_queries(), st.sampled_from(NAMES), JSON)
def test_one_wrong_value_is_one_named_fault_beside_the_good_ones(query, name, value):
    try:
        parse(query | {name: value}, name="s")
    except ConfigError as error:
        lines = str(error).splitlines()[1:]
        assert any(name in line for line in lines)


@given(valid_queries(), st.integers(0, 66))
def test_a_request_carries_the_same_query_in_the_url_or_in_the_body(query, page):
    selection = parse(query, name="s")
    request = DealRequest(selection, page)
    text = request.params().get("selection") or (request.body() or b"").decode()
    assert json.loads(text) == {**selection.query, "page": page}
    assert (request.method == "GET") == (len(quote(text, safe="")) <= LONGEST_GET) == (request.body() is None)


@given(valid_queries())
def test_the_link_to_the_deals_page_asks_for_the_same_deals(query):
    one = parse(query, name="s")
    link = page_link(one)
    assert parse(link, name="s").key == one.key
    assert link.isascii()


@given(valid_queries())
def test_every_selection_is_explained_in_lines_that_end(query):
    sentence, conditions = explain(parse(query, name="s"))
    assert sentence.startswith("products of amazon.")
    assert all(conditions)

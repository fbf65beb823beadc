"""How much of a product is asked for: words, their one spelling, what they ask for and what they cost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.keepa import detail
from tasks.keepa.detail import Parts

details = st.builds(
    Parts,
    base=st.sampled_from(detail.BASES),
    buy_box=st.booleans(),
    days=st.none() | st.integers(1, 36_500),
    only_live=st.booleans(),
    rating=st.booleans(),
    stock=st.booleans(),
).filter(
    lambda parts: (
        (parts.has_offers or not (parts.stock or parts.only_live))
        and (parts.has_history or parts.days is None)
        and not (parts.has_offers and parts.buy_box)
    )
).map(str)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "known_by"),
    [
        ("history", "history"),
        ("Rating + STATS", "stats+rating"),
        ("buybox", "stats+buybox"),
        ("stock", "offers+stock"),
        ("days=90", "history+days=90"),
        ("offers+buybox", "offers"),
        ("stock,rating,only-live-offers,offers", "offers+only-live-offers+rating+stock"),
    ],
)
def test_a_detail_is_known_by_one_text_however_it_is_written(text, known_by):
    assert detail.detail(text) == known_by


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("everything", "'everything' is no detail; expected stats, history, offers"),
        ("", "'' is no detail"),
        ("stats+offers", "stats and offers: each has all of the one before it"),
        ("stats+stock", "write offers\\+stock instead of stats\\+stock"),
        ("history+only-live-offers", "write offers\\+only-live-offers"),
        ("stats+days=3", "write history\\+days=3"),
        ("history+days=0", "a whole number from 1 to 36500"),
        ("history+days=\u0661", "a whole number from 1 to 36500"),
        ("history+days", "'days' is no detail"),
    ],
)
def test_what_does_not_go_together_is_refused_with_what_does(text, said):
    with pytest.raises(detail.NoDetail, match=said):
        detail.detail(text)
    assert not detail.is_detail(text)


@pytest.mark.parametrize(
    ("text", "more", "tokens"),
    [
        ("stats+rating", {"history": "0", "rating": "1"}, 2),
        ("stats+buybox", {"history": "0", "buybox": "1"}, 3),
        ("history+days=90", {"history": "1", "videos": "1", "aplus": "1", "days": "90"}, 1),
        ("offers+only-live-offers+rating+stock", {
            "history": "1", "videos": "1", "aplus": "1", "offers": "20", "only-live-offers": "1", "rating": "1",
            "stock": "1",
        }, 13),
    ],
)  # fmt: skip
def test_a_detail_asks_for_its_options_and_costs_what_they_do(text, more, tokens):
    assert detail.params(text) == {"stats": "90", **more}
    assert detail.tokens(text) == tokens


@given(details)
def test_a_detail_is_read_as_it_is_written(text):
    assert detail.detail(text) == text
    assert detail.detail("+".join(reversed(text.split("+")))) == text
    assert detail.is_detail(text)


@given(details)
def test_what_is_free_has_no_cost_of_its_own(text):
    name = detail.cost_name(text)
    assert detail.tokens(name) == detail.tokens(text)
    assert "days" not in name
    assert len(f"product:{name}") < 32, "the ledger has 31 characters for it"


@given(details, details)
def test_one_request_that_serves_two_costs_no_more_than_the_first_and_has_all_of_both(wanted, queued):
    both = detail.covering(wanted, queued)
    if both is None:
        assert detail.tokens(wanted) < detail.tokens(wanted) + detail.tokens(queued)
        return
    assert detail.tokens(both) == detail.tokens(wanted)
    merged, asked = detail.parts(both), [detail.parts(wanted), detail.parts(queued)]
    assert detail.is_detail(both)
    for one in asked:
        assert detail.BASES.index(merged.base) >= detail.BASES.index(one.base)
        assert merged.rating >= one.rating
        assert merged.stock >= one.stock
        assert merged.buy_box or merged.has_offers or not one.buy_box
        if one.has_history:
            assert merged.days is None or (one.days is not None and merged.days >= one.days)
        assert not merged.only_live or one.only_live or not one.has_offers


@pytest.mark.parametrize(
    ("wanted", "queued", "both"),
    [
        ("stats", "stats", "stats"), ("stats", "history", "history"), ("stats", "offers", None),
        ("offers", "stats", "offers"),
        ("stats+rating", "history", "history+rating"), ("stats", "stats+rating", None),
        ("history+days=30", "history+days=90", "history+days=90"), ("offers", "stats+buybox", "offers"),
    ],
)  # fmt: skip
def test_details_that_serve_two(wanted, queued, both):
    assert detail.covering(wanted, queued) == both


@given(st.text(max_size=30))
def test_any_text_is_a_detail_or_a_sentence(text):
    try:
        found = detail.detail(text)
    except detail.NoDetail as error:
        found = ""
        assert_said(str(error))
    assert not found or detail.is_detail(found)
    assert detail.history_coverage(text) in {"none", "part", "whole"}


def assert_said(words):
    assert "expected" in words or "write " in words or "name the last" in words

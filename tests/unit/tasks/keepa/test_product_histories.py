"""Histories of a product: those by price type, then the counts of its own ratings and reviews."""

import pytest

from tasks.keepa import product_histories
from tasks.keepa.decode.replies import Product, Reviews
from tasks.keepa.prices import VARIATION_RATINGS, VARIATION_REVIEWS, BrokenHistory, Flat


def product(csv=None, reviews=None):
    return Product(asin="B000000001", csv=csv, reviews=reviews)


def test_the_counts_of_a_variation_follow_the_price_types():
    found = product([None, [1, 2]], Reviews(rating_count=[1, 10, 2, 11], review_count=[3, 4]))
    assert product_histories.flats(found) == [
        Flat(1, 2, [1, 2]),
        Flat(VARIATION_RATINGS, 2, [1, 10, 2, 11]),
        Flat(VARIATION_REVIEWS, 2, [3, 4]),
    ]
    assert product_histories.misfit(found) is None


@pytest.mark.parametrize("reviews", [None, Reviews(), Reviews(rating_count=[], review_count=None, last_update=5)])
def test_reviews_without_counts_are_no_history(reviews):
    assert product_histories.flats(product([[1, 2]], reviews)) == [Flat(0, 2, [1, 2])]


@pytest.mark.parametrize(
    ("found", "field", "reason"),
    [
        (product([[1, 2, 3]]), "csv", "csv[0]: 3 values do not make whole groups"),
        (
            product([[1, 2]], Reviews(rating_count=[1, 2], review_count=[1])),
            "reviews",
            "reviews.reviewCount: 1 values do not make whole groups",
        ),
    ],
)
def test_a_cut_history_is_told_with_its_field(found, field, reason):
    assert product_histories.misfit(found) == (field, reason)
    with pytest.raises(BrokenHistory, match=r"do not make whole groups"):
        product_histories.flats(found)

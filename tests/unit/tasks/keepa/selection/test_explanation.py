"""What a selection asks for, in words; each parameter that is set is told, and none that a switch turns off."""

import pytest

from tasks.keepa.selection.explanation import explain
from tasks.keepa.selection.rules import FLAG_FILTERS, PRICE_TYPES, TEXT_FILTERS
from tasks.keepa.selection.selection import default_selection, parse

BASE = {"domainId": 3, "priceTypes": [1], "isFilterEnabled": True, "isRangeEnabled": True, "dateRange": 2}


def told(**changes):
    return explain(parse({**BASE, **changes}, name="s"))


def test_the_built_in_selection_is_told_whole():
    assert explain(default_selection(1)) == (
        "products of amazon.com whose price NEW has fallen below its mean of 7 days",
        (
            "the price is from 5.00 to 500.00 USD",
            "its distance to the mean, below it, is from 20 to 100 %",
            "the sales rank is from 1 to 100,000; products without one are left out",
            "erotica are left out",
            "one product stands for all its variations",
        ),
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"currentRange": [1000, -1]}, "the price is 10.00 or more EUR"),
        ({"currentRange": [1000, 123456], "domainId": 5}, "the price is from 1,000 to 123,456 JPY"),
        ({"deltaRange": [150, 2147483647]}, "its distance to the mean, below it, is 1.50 or more EUR"),
        ({"deltaLastRange": [-100, 500]}, "the difference to the price before is from -1.00 to 5.00 EUR"),
        ({"deltaPercentRange": [20, -1]}, "its distance to the mean, below it, is 20 or more %"),
        ({"salesRankRange": [500, -1]}, "the sales rank is 500 or more; products without one are left out"),
        ({"minRating": 45}, "the rating is 4.5 stars or more"),
        ({"warehouseConditions": [3, 2]}, "the condition of a Warehouse deal is one of: like new, very good"),
        ({"includeCategories": [7, 5]}, "the category is one of: 5, 7"),
        ({"excludeCategories": [*range(1, 9)]}, "the category is none of: 1, 2, 3, 4, 5 and 3 more"),
        ({"brand": ["Sony", "Apple"]}, "brand is one of: Apple, Sony"),
        ({"titleSearch": "red  shoe"}, "the title has every one of the words: red shoe"),
    ],
)
def test_each_condition_has_its_words(changes, words):
    assert told(**changes)[1] == (words,)


@pytest.mark.parametrize("name", sorted({*FLAG_FILTERS, *TEXT_FILTERS}))
def test_no_filter_goes_untold(name):
    changed = told(**{name: ["x"] if name in TEXT_FILTERS else True})
    assert changed != told()
    if name in FLAG_FILTERS:
        assert told(**{name: False}) == told()


@pytest.mark.parametrize("number", sorted(PRICE_TYPES))
def test_every_price_type_is_named(number):
    assert ("sales rank" if number == 3 else "price ") in told(priceTypes=[number])[0]


def test_ranks_are_no_money_and_what_has_risen_lies_above():
    sentence, conditions = told(priceTypes=[3], isRisers=True, deltaPercentRange=[80, 90], currentRange=[1, 5000])
    assert sentence == "products of amazon.de whose sales rank has risen above its mean of 31 days"
    assert conditions == ("the rank is from 1 to 5,000", "its distance to the mean, above it, is from 80 to 90 %")


def test_without_a_period_it_says_that_the_server_chooses_one():
    assert told(dateRange=None)[0].endswith("its mean of a period that the server chooses, as dateRange is not set")


def test_what_a_switch_turns_off_is_no_condition():
    assert told(isFilterEnabled=False, isRangeEnabled=False, brand=["x"], currentRange=[1, 2], hasReviews=True)[1] == ()

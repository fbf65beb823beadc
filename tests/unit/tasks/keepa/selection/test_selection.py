"""Selections: what passes, what is refused and how every fault is named, what stays the same."""

import json

import pytest

from tasks.errors import ConfigError
from tasks.keepa.selection.rules import RULES
from tasks.keepa.selection.selection import default_selection, for_domains, parse

# As the deals page writes it, strings for numbers and all.
EXPORTED = """{
  "page": 0, "domainId": "1", "excludeCategories": [], "includeCategories": [283155], "priceTypes": [2],
  "deltaRange": [1950, 9900], "deltaPercentRange": [50, 2147483647], "deltaLastRange": null,
  "salesRankRange": [50000, 1500000], "currentRange": [2000, 30100], "minRating": 10, "isLowest": false,
  "isLowest90": false, "isLowestOffer": false, "isOutOfStock": false, "titleSearch": "", "isRangeEnabled": true,
  "isFilterEnabled": true, "filterErotic": false, "singleVariation": true, "hasReviews": false,
  "isPrimeExclusive": false, "mustHaveAmazonOffer": false, "mustNotHaveAmazonOffer": false, "sortType": 4,
  "dateRange": "3", "warehouseConditions": [2, 3, 4, 5], "brand": [], "isBackInStock": false, "isRisers": null
}"""

# The filters' switch is off although filters are set: the site keeps what one has switched off.
SWITCHED_OFF = {
    "page": 0,
    "domainId": 1,
    "excludeCategories": [1064954, 11091801],
    "includeCategories": [16310101],
    "priceTypes": [0],
    "deltaPercentRange": [20, 100],
    "salesRankRange": [0, 40000],
    "minRating": -1,
    "titleSearch": None,
    "isRangeEnabled": True,
    "isFilterEnabled": False,
    "filterErotic": True,
    "sortType": 4,
    "dateRange": 1,
}

SMALL = {"domainId": 1, "priceTypes": [2]}


def faults_of(query):
    with pytest.raises(ConfigError) as caught:
        parse(query, name="mine")
    head, *lines = str(caught.value).splitlines()
    assert head.startswith("selection mine: ")
    assert head.split()[2] == str(len(lines))
    return [line.removeprefix("  - ") for line in lines]


def test_what_the_deals_page_exports_passes_and_is_normalised():
    selection = parse(EXPORTED, name="books")
    assert (selection.domain, selection.price_type, selection.query["dateRange"]) == (1, 2, 3)
    assert selection.query["salesRankRange"] == [50_000, 1_500_000]
    assert not {"excludeCategories", "deltaLastRange", "titleSearch", "brand", "isRisers"} & set(selection.query)
    assert selection.notes == ()


def test_what_is_switched_off_passes_with_a_note():
    selection = parse(SWITCHED_OFF, name="off")
    assert selection.notes == (
        "isFilterEnabled is false: the server may ignore excludeCategories, filterErotic, includeCategories, minRating",
    )
    ranges_off = parse({**SWITCHED_OFF, "isRangeEnabled": False, "isFilterEnabled": True}, name="off")
    assert ranges_off.notes == ("isRangeEnabled is false: the server may ignore deltaPercentRange, salesRankRange",)


def test_bytes_with_a_byte_order_mark_are_a_file_like_any_other():
    assert parse(b"\xef\xbb\xbf" + EXPORTED.encode(), name="books") == parse(EXPORTED, name="books")
    assert parse("\ufeff" + EXPORTED, name="books") == parse(json.loads(EXPORTED), name="books")


def test_every_fault_is_named_in_one_message():
    faults = faults_of(
        {
            "domainId": 12,
            "priceTypes": [1, 2],
            "dateRange": 30,
            "sortType": 0,
            "currentRange": [5, 1],
            "deltaPercentRange": [5, 50],
            "isLowest": "true",
            "titelSearch": "x",
        }
    )
    assert faults == [
        "domainId: must be a domain with deals, not 12; these are [1, 2, 3, 4, 5, 6, 8, 9, 10, 11]",
        "priceTypes: must be a list with exactly one price type, not [1, 2]; write one selection for each",
        "dateRange: must be 0 (24 hours), 1 (7 days), 2 (31 days) or 3 (90 days), not 30",
        (
            "sortType: must be 1 (newest first), 2 (delta), 3 (sales rank) or 4 (percent), "
            "or one of the last three with a minus to reverse it, not 0"
        ),
        "isLowest: must be true or false, not 'true'",
        "'titelSearch': there is no such parameter, and the server would ignore it; did you mean titleSearch?",
        (
            "isRangeEnabled: is missing; without it the server ignores currentRange, deltaPercentRange; "
            "set it to true or false"
        ),
        "currentRange: min must not be above max, but 5 is above 1",
        "deltaPercentRange: min must be 10 or more for a price, not 5",
    ]


FAULTS = {
    "priceTypes is a number": ({"priceTypes": 2}, "priceTypes: must be a list with exactly one price type: [2]"),
    "priceTypes is empty": ({"priceTypes": []}, "priceTypes: is missing"),
    "a price type without deals": ({"priceTypes": [4]}, "priceTypes: must be a price type with deals, not 4"),
    "a price type as text": ({"priceTypes": ["2"]}, "priceTypes: must be a list of whole numbers; '2' is not one"),
    "no domain": ({"domainId": None}, "domainId: is missing"),
    "a domain by name": ({"domainId": "fr"}, "domainId: must be a whole number, not 'fr'"),
    "an endless number as text": ({"domainId": "1" * 5000}, "domainId: must be a whole number"),
    "a domain as a fraction": ({"domainId": 1.0}, "domainId: must be a whole number, not 1.0"),
    "true for a number": ({"domainId": True}, "domainId: must be a whole number, not true"),
    "a list for a domain": ({"domainId": [1]}, "domainId: must be a whole number, not [1]"),
    "the claimed date range 4": (
        {"dateRange": 4},
        "dateRange: must be 0 (24 hours), 1 (7 days), 2 (31 days) or 3 (90 days), not 4",
    ),
    "an inverted newest first": ({"sortType": -1}, "sortType: 1 (newest first) cannot be reversed"),
    "a sort type as text": ({"sortType": "4"}, "sortType: must be a whole number, not '4'"),
    "a negative page": ({"page": -1}, "page: must be from 0 to 66, not -1"),
    "a page beyond the last": ({"page": 67}, "page: must be from 0 to 66, not 67"),
    "a rating of stars": ({"minRating": 51}, "minRating: must be from -1 to 50, not 51"),
    "a rating as text": ({"minRating": "10"}, "minRating: must be a whole number"),
    "one category": ({"includeCategories": 283155}, "includeCategories: must be a list, not 283155"),
    "a category as text": (
        {"includeCategories": ["283155"]},
        "includeCategories: must be a list of whole numbers; '283155' is not one",
    ),
    "a category 0": (
        {"excludeCategories": [0]},
        "excludeCategories: must be ids of categories, which are above 0, not [0]",
    ),
    "too many categories": (
        {"excludeCategories": list(range(1, 502))},
        "excludeCategories: must have at most 500 categories, not 501",
    ),
    "a category both in and out": (
        {"includeCategories": [5, 6], "excludeCategories": [6]},
        "includeCategories, excludeCategories: must not both have [6]",
    ),
    "both kinds of Amazon offer": (
        {"mustHaveAmazonOffer": True, "mustNotHaveAmazonOffer": True},
        "mustHaveAmazonOffer, mustNotHaveAmazonOffer: must not both be true",
    ),
    "the slip of the documentation": (
        {"warehouseConditions": [24]},
        "warehouseConditions: must have 4 for 'used, good'",
    ),
    "a condition that is none": (
        {"warehouseConditions": [0]},
        "warehouseConditions: must be of 1 (new), 2 (like new), 3 (very good), 4 (good) and 5 (acceptable), not [0]",
    ),
    "one brand": ({"brand": "lego"}, "brand: must be a list, not 'lego'"),
    "a brand of blanks": ({"brand": [" "]}, "brand: must be a list of texts that are not blank; ' ' is not one"),
    "a brand as a number": ({"brand": [1]}, "brand: must be a list of texts that are not blank; 1 is not one"),
    "half a character": ({"brand": ["\ud800"]}, "brand: must be whole characters; '\\ud800' has half of one"),
    "a flag as a number": ({"isLowest": 1}, "isLowest: must be true or false, not 1"),
    "51 words": ({"titleSearch": "w " * 51}, "titleSearch: must have at most 50 words, not 51"),
    "a title as a list": ({"titleSearch": ["x"]}, "titleSearch: must be a text, not ['x']"),
    "a range of one": ({"currentRange": [1]}, "currentRange: must be [min, max], not [1]"),
    "a range as text": ({"currentRange": ["1", "2"]}, "currentRange: must be a list of whole numbers; '1' is not one"),
    "a range of nothing": (
        {"currentRange": [None, 5]},
        "currentRange: must be a list of whole numbers; null is not one",
    ),
    "a range beyond 32 bits": (
        {"currentRange": [0, 2**31]},
        "currentRange: must be from -2147483647 to 2147483647, not [0, 2147483648]",
    ),
    "a negative price": ({"currentRange": [-5, 5]}, "currentRange: min must be 0 or more, not -5"),
    "a negative rank": ({"salesRankRange": [-5, 5]}, "salesRankRange: min must be 0 or more, not -5"),
    "a range upside down": ({"deltaRange": [900, 100]}, "deltaRange: min must not be above max, but 900 is above 100"),
    "a range of three": ({"deltaLastRange": [1, 2, 3]}, "deltaLastRange: must be [min, max], not [1, 2, 3]"),
    "a range of fractions": ({"deltaRange": [0.5, 2]}, "deltaRange: must be a list of whole numbers; 0.5 is not one"),
    "a switch as text": ({"isFilterEnabled": "yes"}, "isFilterEnabled: must be true or false, not 'yes'"),
    "a page as text": ({"page": "0"}, "page: must be a whole number, not '0'"),
    "a date range by name": ({"dateRange": "week"}, "dateRange: must be a whole number, not 'week'"),
    "a negative date range": (
        {"dateRange": -1},
        "dateRange: must be 0 (24 hours), 1 (7 days), 2 (31 days) or 3 (90 days), not -1",
    ),
    "a percentage below ten": (
        {"deltaPercentRange": [9, 50]},
        "deltaPercentRange: min must be 10 or more for a price, not 9",
    ),
    "a rank's percentage below 80": (
        {"priceTypes": [3], "deltaPercentRange": [79, 90]},
        "deltaPercentRange: min must be 80 or more for the sales rank, not 79",
    ),
    "a parameter of another endpoint": ({"perPage": 50}, "'perPage': there is no such parameter"),
    "a filter the server forgot": ({"categorySearch": "x"}, "'categorySearch': there is no such parameter"),
}


@pytest.mark.parametrize(("changes", "said"), FAULTS.values(), ids=FAULTS)
def test_what_the_server_would_refuse_or_ignore_is_refused_here(changes, said):
    faults = faults_of({**SMALL, "isRangeEnabled": True, **changes})
    assert len(faults) == 1
    assert faults[0].startswith(said)


def test_a_range_without_its_switch_is_a_fault():
    said = "isRangeEnabled: is missing; without it the server ignores salesRankRange; set it to true or false"
    assert faults_of({**SMALL, "salesRankRange": [1, 5]}) == [said]


def test_an_open_upper_end_is_minus_one_for_ranks_only():
    query = {**SMALL, "isRangeEnabled": True, "salesRankRange": [5000, -1]}
    assert parse(query, name="s").query["salesRankRange"] == [5000, -1]
    assert parse({**query, "priceTypes": [3], "currentRange": [7, -1]}, name="s").query["currentRange"] == [7, -1]


def test_limits_are_within():
    query = {
        **SMALL,
        "includeCategories": list(range(1, 501)),
        "titleSearch": "w " * 50,
        "page": 66,
        "deltaPercentRange": [10, 2**31 - 1],
        "isRangeEnabled": True,
        "isFilterEnabled": True,
        "minRating": -1,
    }
    assert parse(query, name="s").query["titleSearch"] == " ".join("w" * 50)


@pytest.mark.parametrize("text", ["", "[]", "3", "null", "{", "{'a': 1}", b"\xff", "[" * 100_000, '{"a": 1e999999x}'])
def test_what_is_no_json_object_is_said_to_be_none(text):
    with pytest.raises(ConfigError, match="selection mine: 1 fault:\n"):
        parse(text, name="mine")


def test_a_parameter_that_is_given_twice_is_a_fault():
    with pytest.raises(ConfigError, match="domainId: is given twice"):
        parse('{"domainId": 1, "priceTypes": [1], "domainId": 3}', name="mine")


def test_all_documented_parameters_are_known():
    assert len(RULES) == 55


def test_the_key_is_the_same_however_the_same_deals_are_asked_for():
    selection = parse({**SMALL, "includeCategories": [5, 6], "isFilterEnabled": True}, name="a")
    same = {
        "priceTypes": [2],
        "isFilterEnabled": True,
        "includeCategories": [6, 5, 6],
        "domainId": "1",
        "page": 3,
        "sortType": 4,
        "titleSearch": "  ",
        "brand": [],
    }
    assert parse(same, name="another").key == selection.key == selection.for_upsert().key
    assert len(selection.key) == 12
    assert selection.with_(dateRange=1).key != selection.key


def test_a_change_of_one_parameter_keeps_the_others_and_is_checked():
    selection = parse(EXPORTED, name="books")
    changed = selection.with_(page=4, minRating=None)
    assert changed.query == {**{k: v for k, v in selection.query.items() if k != "minRating"}, "page": 4}
    assert json.loads(selection.to_json(page=9)) == {**selection.query, "page": 9}
    with pytest.raises(ConfigError, match="sortType"):
        selection.with_(sortType=7)


def test_for_upsert_is_newest_first():
    assert parse(EXPORTED, name="books").for_upsert().query["sortType"] == 1


def test_a_selection_without_a_domain_takes_each_that_is_given():
    query = {"priceTypes": [2]}
    assert [one.domain for one in for_domains(query, name="s", domains=(3, 1, 3))] == [3, 1]
    assert [one.domain for one in for_domains({**query, "domainId": 2}, name="s", domains=(3, 1))] == [2]
    assert parse(json.dumps(query), name="s", domain=8).domain == 8


def test_a_domain_of_an_impossible_type_is_a_fault_like_any_other():
    with pytest.raises(ConfigError, match="domainId: must be a whole number"):
        for_domains({"priceTypes": [2], "domainId": {}}, name="s", domains=(3,))


@pytest.mark.parametrize("domain", [1, 2, 3, 4, 5, 6, 8, 9, 10, 11])
def test_the_built_in_selection_serves_every_locale_with_deals(domain):
    selection = default_selection(domain)
    assert (selection.domain, selection.price_type, selection.name) == (domain, 1, "default")
    assert selection.notes == ()


def test_the_built_in_selection_does_not_exist_where_there_are_no_deals():
    with pytest.raises(ConfigError, match="must be a domain with deals, not 12"):
        default_selection(12)


def split(selection, root_ids):
    return [selection.within(category) for category in selection.split_categories(root_ids)]


def test_a_split_has_one_part_for_each_root_that_is_not_excluded():
    selection = parse({**SMALL, "excludeCategories": [7], "minRating": 20}, name="s")
    parts = split(selection, [9, 7, 8, 9])
    assert [part.query["includeCategories"] for part in parts] == [[8], [9]]
    for part in parts:
        assert part.query["isFilterEnabled"] is True
        assert (part.query["minRating"], part.query["excludeCategories"]) == (20, [7])
    assert len({part.key for part in parts}) == 2


def test_a_split_of_named_categories_stays_within_them():
    selection = parse({**SMALL, "includeCategories": [5, 6], "isFilterEnabled": True}, name="s")
    assert [part.query["includeCategories"] for part in split(selection, [1, 2, 3])] == [[5], [6]]


def test_a_split_does_not_wake_filters_that_are_switched_off():
    parts = split(parse(SWITCHED_OFF, name="off"), [1, 2])
    assert [part.query["includeCategories"] for part in parts] == [[1], [2]]
    assert not {"excludeCategories", "minRating", "filterErotic"} & set(parts[0].query)
    assert parts[0].query["salesRankRange"] == [0, 40_000]

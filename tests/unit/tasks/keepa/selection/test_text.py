"""What people paste for a selection: the deals page's query in all its shapes, and what to do about the others."""

import json
from urllib.parse import quote, quote_plus, urlencode

import pytest

from tasks.errors import ConfigError
from tasks.keepa.selection.rules import RANGES
from tasks.keepa.selection.selection import for_domains, parse

# As the page writes it when nothing was entered, by way of the query in its own address.
OF_THE_PAGE = {
    "page": 0, "domainId": "11", "excludeCategories": [[] for _ in range(15)],
    "includeCategories": [[]] * 9 + [[599382031], [], [9482640011], [], [], []],
    "priceTypes": [0], "deltaRange": [0, 2147483647], "deltaPercentRange": [20, 80], "salesRankRange": [-1, -1],
    "currentRange": [10000, 3100000], "minRating": -1, "isLowest": False, "isLowest90": False,
    "isLowestOffer": False, "isOutOfStock": False, "titleSearch": "", "isRangeEnabled": True, "isFilterEnabled": True,
    "filterErotic": True, "singleVariation": True, "hasReviews": False, "isPrimeExclusive": False,
    "mustHaveAmazonOffer": False, "mustNotHaveAmazonOffer": False, "sortType": 4, "dateRange": "0",
    "warehouseConditions": [1, 2, 3, 4, 5], "settings": {"viewTyp": 0}, "perPage": 150,
}  # fmt: skip
QUERY = {"domainId": 3, "priceTypes": [1], "dateRange": 0, "titleSearch": "a & b + c"}
TEXT = json.dumps(QUERY)
KEY = "aB3" * 21 + "x"
PASTED = {
    "as it is": TEXT,
    "with a byte order mark": "\ufeff" + TEXT,
    "UTF-16, as some editors save it": TEXT.encode("utf-16"),
    "with blank lines and CRLF": json.dumps(QUERY, indent=2).replace("\n", "\r\n") + "\r\n\r\n",
    "a list of one": f"[{TEXT}]",
    "in a wrapper": json.dumps({"selection": QUERY}),
    "as text in a wrapper, with the key": json.dumps({"key": KEY, "selection": TEXT}),
    "a call": f"https://api.keepa.com/deal?key={KEY}&selection={quote(TEXT)}",
    "a call, the key behind it": f"https://api.keepa.com/deal?selection={quote(TEXT)}&key={KEY}",
    "a call, its blanks as plus signs": "https://api.keepa.com/deal?" + urlencode({"key": KEY, "selection": TEXT}),
    "a call, not encoded": f"https://api.keepa.com/deal?key={KEY}&selection={TEXT}",
    "a call, encoded twice": f"https://api.keepa.com/deal?key={KEY}&selection={quote(quote(TEXT))}",
    "a call with curl": f"curl -s 'https://api.keepa.com/deal?key={KEY}&selection={quote_plus(TEXT)}'",
    "its parameter alone": f"selection={quote(TEXT)}",
    "the page": f"https://keepa.com/#!deals/{quote(TEXT)}",
    "the page as some browsers copy it": "https://keepa.com/#!deals/" + quote(TEXT, safe='"+'),
}
ODD = {
    "nothing": ("", "it is empty: paste the JSON object"),
    "an address of nothing": (f"https://api.keepa.com/deal?key={KEY}", "an address without a selection"),
    "the page without a filter": ("https://keepa.com/#!deals", "an address without a selection"),
    "a list of several": (f"[{TEXT},{TEXT}]", "it is a list of 2: save one JSON object in each file"),
    "two, one below the other": (f"{TEXT}\n{TEXT}", "a file has one selection"),
    "typographic quotes": (TEXT.replace('"', "\u201d"), "typographic quotes"),
    "quotes of HTML": (TEXT.replace('"', "&quot;"), "replace &quot; by"),
    "Python": (str({**QUERY, "isLowest": True}), "it is Python"),
    "a comma too many": (TEXT[:-1] + ",}", "remove the comma before }"),
    "a comment": (TEXT[:-1] + "\n// more\n}", "remove the comments: JSON has none"),
    "an end too early": (TEXT[: len(TEXT) // 2], "not JSON"),
    "no closing brace": (TEXT[:-1], "it ends too early"),
    "a fence": (f"```json\n{TEXT}\n```", "remove the lines with ```"),
    "a web page": ("<!DOCTYPE html><html></html>", "it is a web page"),
    "a formatted document": (r"{\rtf1\ansi " + TEXT, "a formatted document"),
    "bytes of nothing": (b"\xff\x00\xfe", "not UTF-8 text (byte 0)"),
    "a wrapper of nothing": ('{"selection": 3}', "selection: must be a JSON object"),
    "a number without end": ('{"domainId": ' + "1" * 5000 + "}", "a number in it is too long"),
    "a name that is half a character, twice": ('{"\\ud83d": 1, "\\ud83d": 2}', "'\\ud83d': is given twice"),
    "deep": ('{"brand": ' + "[" * 50 + "]" * 50 + "}", "deeper than 8"),
}


@pytest.mark.parametrize("text", PASTED.values(), ids=PASTED)
def test_the_same_selection_is_found_in_every_shape_it_is_pasted_in(text):
    assert parse(text, name="s").query == parse(QUERY, name="s").query
    assert [one.domain for one in for_domains(text, name="s", domains=(1,))] == [3]


@pytest.mark.parametrize(("text", "said"), ODD.values(), ids=ODD)
def test_what_cannot_be_taken_says_what_to_paste_and_shows_no_key(text, said):
    with pytest.raises(ConfigError) as caught:
        parse(text, name="s")
    assert said in str(caught.value)
    assert KEY not in str(caught.value)
    str(caught.value).encode()  # no half of a character


@pytest.mark.parametrize("shape", [json.dumps, lambda query: "https://keepa.com/#!deals/" + quote(json.dumps(query))])
def test_the_address_of_the_page_has_a_list_of_categories_for_each_locale_and_parameters_of_its_own(shape):
    query = parse(shape(OF_THE_PAGE), name="s").query
    assert query["includeCategories"] == [9482640011]
    assert {"excludeCategories", "settings", "perPage", "salesRankRange"}.isdisjoint(query)
    assert query["deltaRange"] == [0, 2147483647]


LARGEST = 2**31 - 1
OPEN = {
    "a rank, no end": ("salesRankRange", [-1, -1], None),
    "a rank, no lower end": ("salesRankRange", [-1, 9_999_999], [0, 9_999_999]),
    "a rank, no upper end": ("salesRankRange", [500, -1], [500, -1]),
    "a price, no end": ("currentRange", [-1, -1], None),
    "a price, no lower end": ("currentRange", [-1, 5000], [0, 5000]),
    "a price, no upper end": ("currentRange", [500, -1], [500, LARGEST]),
    "a drop, no end": ("deltaRange", [-1, -1], None),
    "a drop, no upper end": ("deltaRange", [500, -1], [500, LARGEST]),
    "a rise": ("deltaRange", [-500, -1], [-500, -1]),
    "a drop or a rise by one": ("deltaRange", [-1, 500], [-1, 500]),
    "the last drop, no end": ("deltaLastRange", [-1, -1], None),
    "the last drop, no upper end": ("deltaLastRange", [0, -1], [0, LARGEST]),
    "a part, no end": ("deltaPercentRange", [-1, -1], None),
    "a part, no lower end": ("deltaPercentRange", [-1, 80], [10, 80]),
    "a part, no upper end": ("deltaPercentRange", [20, -1], [20, LARGEST]),
}


@pytest.mark.parametrize(("name", "given", "meant"), OPEN.values(), ids=OPEN)
def test_an_open_end_is_taken_as_meant(name, given, meant):
    query = {"domainId": 1, "priceTypes": [1], "isRangeEnabled": True, name: given}
    assert parse(query, name="s").query.get(name) == meant
    assert {name for name, _, _ in OPEN.values()} == set(RANGES)


def test_ranges_that_are_open_at_both_ends_need_no_switch():
    query = {"domainId": 1, "priceTypes": [1], **{name: [-1, -1] for name in RANGES}}
    assert parse(query, name="s").query == {"domainId": 1, "priceTypes": [1]}


def test_of_the_rank_itself_an_open_part_begins_where_the_api_does():
    query = {"domainId": 1, "priceTypes": [3], "isRangeEnabled": True, "deltaPercentRange": [-1, 90]}
    assert parse(query, name="s").query["deltaPercentRange"] == [80, 90]

"""What a person may name a product by: an ASIN, an address, an EAN or UPC."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.queries import parsing
from supervisor.queries.parsing import Wanted
from tasks.keepa.locales import SHOPS, product_url
from tasks.keepa.product_code import check_digit


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("b08n5wrwnw", Wanted(asin="B08N5WRWNW")),
        ("https://www.amazon.de/dp/B08N5WRWNW?psc=1", Wanted(asin="B08N5WRWNW", domain=3)),
        ("4006381333931", Wanted(code="4006381333931")),
        ("055299068X", Wanted(asin="055299068X")),
        ("0552990681", Wanted(asin="0552990681")),  # the check digit is X, and such ASINs exist all the same
        ("0-552-99068-x", Wanted(asin="055299068X")),
        ("978-0-552-99068-4", Wanted(code="9780552990684")),
    ],
)
def test_a_product_is_named_in_many_ways(text, wanted):
    assert parsing.wanted(text) == wanted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("4006381333932", "a digit is wrong or missing"),
        ("B08N5WRWN", "is no ASIN.*nor is it an EAN or UPC, which have 8, 12, 13 or 14 digits"),
        ("https://www.amazon.de/s?k=deals", "is no product's page"),
        ("", "is no ASIN"),
    ],
)
def test_what_is_none_of_them_is_refused_before_anything_is_asked(text, said):
    with pytest.raises(ValueError, match=said):
        parsing.wanted(text)


@given(st.text("0123456789", min_size=10, max_size=10))
def test_ten_digits_are_an_asin_whatever_their_check_digit(text):
    assert parsing.wanted(text) == Wanted(asin=text)


@given(st.text("0123456789", min_size=12, max_size=12))
def test_thirteen_digits_are_an_ean(start):
    assert parsing.wanted(start + check_digit(start)) == Wanted(code=start + check_digit(start))


@given(st.sampled_from(sorted(SHOPS)), st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=10, max_size=10))
def test_the_address_that_we_print_leads_back_to_the_product(domain, asin):
    assert parsing.wanted(product_url(domain, asin)) == Wanted(asin=asin, domain=domain)


@given(st.text(max_size=40))
def test_any_text_is_a_product_or_a_sentence(text):
    try:
        found = parsing.wanted(text)
    except ValueError as error:
        said = str(error)
    else:
        assert bool(found.asin) != bool(found.code)
        said = "an ASIN" if found.asin else "an EAN"
    assert re.search("ASIN|EAN|UPC|address|page|shop", said)

"""A product named by the address of its page."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.queries import parsing
from tasks.keepa.locales import SHOPS

ASIN = "B08N5WRWNW"


@pytest.mark.parametrize(
    "address",
    [
        f"https://www.amazon.de/dp/{ASIN}",
        f"https://www.amazon.de/Ein-sch%C3%B6ner-Titel/dp/{ASIN}/ref=sr_1_3?keywords=dp&qid=1&sr=8-3#reviews",
        f"http://amazon.de/gp/product/{ASIN}?th=1",
        f"https://m.amazon.de/gp/aw/d/{ASIN}/",
        f"https://www.amazon.de:443/-/en/dp/{ASIN.lower()}/",
        f"www.amazon.de/product-reviews/{ASIN}",
        f"amazon.de/exec/obidos/ASIN/{ASIN}/tag-21",
        f"https://www.amazon.de/gp/offer-listing/{ASIN}/ref=x",
        f"https://www.amazon.de/sspa/click?ie=UTF8&url=%2FTitel%2Fdp%2F{ASIN}%2Fref%3Dsr_1_1",
        f"https://keepa.com/#!product/3-{ASIN}",
        f"  HTTPS://WWW.AMAZON.DE/dp/{ASIN}  ",
    ],
)
def test_the_address_of_a_page_is_a_product_in_a_shop(address):
    assert parsing.product(address) == (ASIN, 3)


def test_an_asin_alone_names_no_shop():
    assert parsing.product(f" {ASIN.lower()} ") == (ASIN, None)


@given(
    domain=st.sampled_from(sorted(SHOPS)),
    before=st.sampled_from(["", "www.", "smile.", "m."]),
    title=st.text("abcABC0123-%", max_size=30).filter(lambda text: "dp" not in text),
    asin=st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=10, max_size=10),
    rest=st.sampled_from(["", "/", "?psc=1", "/ref=abcdefghij", "#x"]),
)
def test_every_shop_is_known_by_its_host(domain, before, title, asin, rest):
    address = f"https://{before}{SHOPS[domain]}/{title}/dp/{asin}{rest}"
    assert parsing.product(address) == (asin, domain)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("https://www.amazon.de/s?k=deals", "is no product's page: its address has /dp/"),
        (f"https://www.amazon.de/dp/{ASIN}0", "is no product's page"),
        ("https://www.amazon.de", "is no product's page"),
        (f"https://www.amazon.com.au/dp/{ASIN}", "is not at an Amazon shop that Keepa knows"),
        (f"https://amazon.de.example.org/dp/{ASIN}", "is not at an Amazon shop that Keepa knows"),
        (f"https://notamazon.de/dp/{ASIN}", "is not at an Amazon shop that Keepa knows"),
        ("https://amzn.eu/d/abc", "is not at an Amazon shop that Keepa knows"),
        (f"https://keepa.com/#!product/7-{ASIN}", "is no product's page"),
        ("https://keepa.com/#!deals", "is no product's page"),
        ("http://[", "is no address"),
        ("B08N5WRWN", "is no ASIN"),
    ],
)
def test_another_address_is_refused_with_what_is_expected(text, said):
    with pytest.raises(ValueError, match=said) as caught:
        parsing.product(text)
    assert "B08N5WRWNW" in str(caught.value)


@given(st.text(max_size=60) | st.text("htps:/.[]@amzondekp#!%0B", max_size=40).map("https://{}".format))
def test_any_text_is_a_product_or_a_sentence(text):
    try:
        asin, domain = parsing.product(text)
    except ValueError as error:
        said = str(error)
    else:
        assert domain is None or domain in SHOPS
        said = asin if len(asin) != 10 else ASIN
    assert ASIN in said

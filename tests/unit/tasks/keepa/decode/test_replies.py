"""Bodies: one bad item spoils itself only, what is unknown is kept, and a body that is none is said to be none."""

import json

import msgspec
import pytest

from tasks.errors import Transient
from tasks.keepa.decode.replies import OddItem, decode_deals, decode_envelope, decode_products, open_products

ENVELOPE = {
    "processingTimeInMs": 12,
    "refillIn": 45592,
    "refillRate": 5,
    "timestamp": 1758036697230,
    "tokenFlowReduction": 0.5,
    "tokensConsumed": 5,
    "tokensLeft": -7,
}


def deal(asin="B000000001", slots=3, **changes):
    row = [1] * slots
    return {
        "asin": asin,
        "avg": [row] * 4,
        "creationDate": 7_000_000,
        "current": row,
        "currentSince": row,
        "delta": [row] * 4,
        "deltaLast": row,
        "deltaPercent": [row] * 4,
        "lastUpdate": 7_000_001,
        **changes,
    }


def deals_body(*deals, **changes):
    categories = {"categoryIds": [7], "categoryNames": ["Toys"], "categoryCount": [2], "drDateIndex": []}
    return json.dumps({"deals": {**categories, "dr": deals}, "dealsCached": False, **ENVELOPE, **changes}).encode()


def products_body(*products, **changes):
    return json.dumps({"products": products, **ENVELOPE, **changes}).encode()


def test_the_envelope_gives_the_reading():
    envelope = decode_envelope(deals_body())
    assert envelope.reading.tokens_left == -7
    assert envelope.reading.server_ms == 1_758_036_697_230
    assert envelope.reading.refill_in_ms == 45_592
    assert envelope.reading.flow_reduction == 0.5
    assert (envelope.tokens_consumed, envelope.processing_ms) == (5, 12)


def test_a_zeroed_envelope_gives_no_reading():
    zeroed = dict.fromkeys(ENVELOPE, 0) | {"error": {"type": "t", "message": "m", "details": "d"}}
    envelope = decode_envelope(json.dumps(zeroed).encode())
    assert envelope.reading is None
    assert str(envelope.error) == "t: m: d"
    assert decode_envelope(b'{"error": {}}').reading is None


def test_fractions_of_tokens_are_rounded_to_the_side_of_having_less():
    envelope = decode_envelope(b'{"tokensLeft": -1.5, "tokensConsumed": 2.1, "refillRate": 4.9, "refillIn": 1.2}')
    assert (envelope.tokens_left, envelope.tokens_consumed) == (-2, 3)
    assert (envelope.refill_rate, envelope.refill_in_ms) == (4, 2)


def test_the_envelope_names_what_it_needs_and_cannot_use():
    assert decode_envelope(deals_body(processingTimeInMs=None, error="x")).unusable == ()
    assert decode_envelope(deals_body(tokensLeft=None, refillIn="soon")).unusable == ("tokensLeft", "refillIn")
    assert str(decode_envelope(deals_body(error="no such thing")).error) == "no such thing"
    assert decode_envelope(deals_body(tokenFlowReduction="much")).reading.flow_reduction == 0.0


def test_a_page_whose_time_is_unknown_is_a_page_all_the_same():
    page = decode_deals(deals_body(deal(), timestamp="now"))
    assert (len(page.deals), page.server_minute, page.envelope.unusable) == (1, None, ("timestamp",))


CANNOT_BE = {
    "tokensLeft": [-(10**9), 10**9, 10**400, "9" * 5000, float("nan"), '"5"', True],
    "tokensConsumed": [-1, 2_147_483_653, 10**400, 1e300],
    "refillRate": [-5, 10**9, 10**400],
    "refillIn": [-1, 10**12, 10**400],
    "timestamp": [-1, 5, 1_758_036_697, 10**15, 10**400, None],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in CANNOT_BE.items() for value in values],
    ids=lambda value: str(value)[:20],
)  # fmt: skip
def test_a_number_that_cannot_be_is_unusable_and_costs_no_row(name, value):
    body = deals_body(deal(), **{name: "MARK"}).replace(b'"MARK"', str(value).encode())
    page = decode_deals(body)
    assert page.envelope.unusable == (name,)
    assert (page.envelope.reading is None) == (name != "tokensConsumed")
    assert len(page.deals) == 1
    assert decode_envelope(body) == page.envelope


def test_a_cost_above_what_the_call_can_cost_is_none():
    envelope = decode_envelope(deals_body(tokensConsumed=100_000))
    assert envelope.costing_at_most(500).unusable == ("tokensConsumed",)
    assert envelope.costing_at_most(100_000) == envelope


def test_a_page_is_read_in_order_with_its_categories():
    page = decode_deals(deals_body(deal("B000000001"), deal("B000000002")))
    assert [one.asin for one in page.deals] == ["B000000001", "B000000002"]
    assert (page.category_ids, page.category_names, page.category_counts) == ([7], ["Toys"], [2])
    assert page.faults == []


@pytest.mark.parametrize("slots", [34, 36, 40])
def test_any_number_of_price_types_will_do(slots):
    assert decode_deals(deals_body(deal(slots=slots))).deals[0].slots == slots


BAD_DEALS = {
    "a field of another type": (deal(lastUpdate="x"), "B000000001", "lastUpdate"),
    "a missing field": ({k: v for k, v in deal().items() if k != "delta"}, "B000000001", "delta"),
    "a list of another length": (deal(avg=[[1], [1, 1, 1], [1, 1, 1], [1, 1, 1]]), "B000000001", "avg"),
    "too few dates": (deal(currentSince=[1]), "B000000001", "currentSince"),
    "an escaped ASIN": (deal('="B000000001"'), '="B000000001"', "asin"),
    "an ASIN and a line's end": (deal("B000000001\n"), "B000000001\n", "asin"),
    "no ASIN": ({k: v for k, v in deal().items() if k != "asin"}, None, "asin"),
    "an ASIN that is a number": (deal(asin=5), None, "asin"),
    "no object": (17, None, "object"),
    "null": (None, None, "object"),
}


@pytest.mark.parametrize(("bad", "asin", "said"), BAD_DEALS.values(), ids=BAD_DEALS)
def test_one_bad_deal_is_a_fault_with_its_bytes_and_the_others_are_kept(bad, asin, said):
    page = decode_deals(deals_body(deal("B000000001"), bad, deal("B000000003")))
    assert [one.asin for one in page.deals] == ["B000000001", "B000000003"]
    (fault,) = page.faults
    assert fault.asin == asin
    assert said in fault.reason
    assert json.loads(fault.raw) == bad


@pytest.mark.parametrize("odd", ["categoryIds", "categoryNames", "categoryCount"])
def test_a_category_that_is_odd_costs_itself_only(odd):
    lists = {"categoryIds": [7, 8, 9], "categoryNames": ["a", "b", "c"], "categoryCount": [1, 2, 3]}
    lists[odd] = [lists[odd][0], None, lists[odd][2]]
    page = decode_deals(deals_body(deals={"dr": [deal()], **lists}))
    assert (page.category_ids, page.category_names, page.category_counts) == ([7, 9], ["a", "c"], [1, 3])
    assert [one.asin for one in page.deals] == ["B000000001"]


def test_bytes_that_are_no_text_are_replaced_and_told():
    body = deals_body(deal(title="GOOD"), deal("B000000002", title="BAD!")).replace(b"BAD!", b"\xff\xfe!!")
    page = decode_deals(body)
    assert [one.title for one in page.deals] == ["GOOD", "\ufffd\ufffd!!"]
    (odd,) = page.odd
    assert (odd.asin, odd.notes) == ("B000000002", ("title: bytes that are not UTF-8",))
    assert b"\xff\xfe!!" in odd.raw


def test_fields_nobody_knows_are_kept_and_only_those():
    page = decode_deals(deals_body(deal(), deal(newField={"a": [1, None]}, other=None, title="t")))
    assert [one.extra for one in page.deals] == [None, {"newField": {"a": [1, None]}, "other": None}]
    assert page.deals[1].title == "t"


def test_what_may_stay_away_is_none():
    one = decode_deals(deals_body(deal(parentAsin="B00000000P"))).deals[0]
    assert (one.title, one.root_cat, one.lightning_start, one.image) == (None, None, None, "")
    assert one.parent_asin == "B00000000P"


def test_the_picture_is_decoded_and_odd_codes_are_left_out():
    one = decode_deals(deals_body(deal(image=[53, 49, -1, 0, 4_000_000_000, 46, 106]))).deals[0]
    assert one.image == "51.j"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"tokensLeft": 5, "refillRate": 5}',
        deals_body(deals=None),
        deals_body(deals={}),
        deals_body(deals={"dr": None}),
        deals_body(deals=[]),
    ],
    ids=["empty", "no deals", "deals null", "no list", "list null", "a list"],
)
def test_a_body_without_a_list_of_deals_is_not_taken_for_an_empty_page(body):
    with pytest.raises(Transient, match="the body cannot be read") as caught:
        decode_deals(body)
    assert caught.value.status == 200


def test_a_body_that_lacks_its_payload_still_tells_the_bucket():
    with pytest.raises(Transient) as caught:
        decode_deals(json.dumps(ENVELOPE).encode())
    assert caught.value.reading.tokens_left == -7


def test_a_page_past_the_end_is_empty():
    page = decode_deals(deals_body())
    assert (page.deals, page.faults) == ([], [])


def test_products_without_any_are_an_empty_batch():
    assert decode_products(json.dumps(ENVELOPE).encode()).products == []
    assert decode_products(products_body(products=None)).products == []


@pytest.mark.parametrize(
    ("fields", "is_found"),
    [
        ({"productType": 0, "title": "A book"}, True),
        ({"productType": 0, "csv": [None, [1, 2]]}, True),
        ({"productType": 5, "lastUpdate": 7_000_000}, True),
        ({"title": "A book"}, True),
        ({"productType": 3, "title": "A book"}, False),
        ({"productType": 4}, False),
        ({"productType": 0, "title": None, "csv": None, "lastUpdate": 0}, False),
        ({"csv": [None, []]}, False),
        ({}, False),
    ],
)
def test_an_unknown_asin_is_told_from_a_product(fields, is_found):
    (product,) = decode_products(products_body({"asin": "B000000001", **fields})).products
    assert product.is_found is is_found


def test_unknown_fields_are_kept_at_every_level_of_a_product():
    sent = {
        "asin": "B000000001",
        "newPart": [1],
        "stats": {"current": [1], "newFigure": 5},
        "offers": [{"offerId": 1}, {"offerId": 2, "isNew": True}],
        "fbaFees": {"pickAndPackFee": 3, "newFee": 4},
        "categoryTree": [{"catId": 1, "name": "Books", "rank": 9}],
    }
    (product,) = decode_products(products_body(sent)).products
    assert product.extra == {"newPart": [1]}
    assert product.stats.extra == {"newFigure": 5}
    assert [offer.extra for offer in product.offers] == [None, {"isNew": True}]
    assert product.fba_fees.extra == {"newFee": 4}
    assert product.category_tree[0].extra == {"rank": 9}


def test_what_does_not_fit_beside_unknown_fields_is_kept_in_its_place_and_told():
    bad = {"asin": "B000000001", "new": 1, "offers": [{"offerId": 1}, {"new": 1, "offerId": "x"}], "stats": {"new": 1}}
    worse = {"asin": "B000000002", "new": 1, "categoryTree": 5, "fbaFees": None}
    batch = decode_products(products_body(bad, worse))
    assert batch.faults == []
    assert [offer.extra for offer in batch.products[0].offers] == [None, {"new": 1, "offerId": "x"}]
    assert (batch.products[0].extra, batch.products[0].stats.extra) == ({"new": 1}, {"new": 1})
    assert batch.products[1].extra == {"new": 1, "categoryTree": 5}
    assert [odd.notes for odd in batch.odd] == [
        ("offers.offerId: Expected `int | null`, got `str`",),
        ("categoryTree: Expected `array`, got `int`",),
    ]


def test_parts_that_are_null_or_empty_beside_unknown_fields_stay_so():
    sent = {"asin": "B000000001", "new": 1, "offers": [], "stats": None, "fbaFees": None, "categoryTree": None}
    (product,) = decode_products(products_body(sent)).products
    assert (product.offers, product.stats, product.fba_fees, product.category_tree) == ([], None, None, None)
    assert product.extra == {"new": 1}


def test_a_cut_history_costs_its_product_the_histories_only():
    bad, good = {"asin": "B000000001", "csv": [None, [1, 2, 3]]}, {"asin": "B000000002", "csv": [None, [1, 2]]}
    batch = decode_products(products_body(bad, good))
    assert [(product.asin, product.csv, product.extra) for product in batch.products] == [
        ("B000000001", None, {"csv": [None, [1, 2, 3]]}),
        ("B000000002", [None, [1, 2]], None),
    ]
    assert batch.odd == [
        OddItem(
            asin="B000000001",
            notes=("csv: csv[1]: 3 values do not make whole groups",),
            raw=json.dumps(bad).encode(),
        )
    ]


def test_flags_of_too_few_price_types_cost_their_deal_the_flags_only():
    (one,) = decode_deals(deals_body(deal(backInStock=[True]))).deals
    assert (one.back_in_stock, one.extra) == (None, {"backInStock": [True]})


def test_a_large_reply_is_read_in_parts_in_the_order_of_asins():
    sent = [{"asin": f"B00000000{at}", "title": "x" * 100} for at in (3, 1, 4, 0, 5, 2)]
    sent[2]["asin"] += "!"
    body = products_body(*sent, {"title": "nobody"})
    parts = list(open_products(body).parts(most_bytes=300))
    assert [[product.asin[-1] for product in part.products] for part in parts] == [["0", "1", "2"], ["3", "5"]]
    assert [[fault.asin for fault in part.faults] for part in parts] == [[None], ["B000000004!"]]
    whole = decode_products(body)
    assert [product.asin[-1] for product in whole.products] == ["3", "1", "0", "5", "2"]
    assert sorted(whole.products, key=lambda product: product.asin) == [p for part in parts for p in part.products]


def test_an_empty_reply_has_no_parts():
    assert list(open_products(products_body()).parts()) == []


def test_markup_in_a_title_stays_as_it_is():
    title = "Tom &amp; Jerry <b>ü</b> “quoted” &#39;"
    assert decode_deals(deals_body(deal(title=title))).deals[0].title == title
    assert decode_products(products_body({"asin": "B000000001", "title": title})).products[0].title == title


def test_values_are_frozen():
    one = decode_deals(deals_body(deal())).deals[0]
    with pytest.raises(AttributeError):
        one.title = "x"


def test_a_field_of_our_own_cannot_be_sent():
    page = decode_deals(deals_body(deal(extra=5)))
    assert page.deals[0].extra == {"extra": 5}
    assert msgspec.to_builtins(page.deals[0])["$extra"] == {"extra": 5}

"""Bodies with anything spoilt inside their items: every item is found or kept as bytes, and the envelope is read.

This is the half of the rule "a complete reply is never bought twice because of its form" that needs no database.
"""

import json
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tasks.keepa.decode.replies import decode_deals, decode_envelope, decode_products

ENVELOPE = {
    "processingTimeInMs": 12, "refillIn": 45592, "refillRate": 5, "timestamp": 1758036697230,
    "tokenFlowReduction": 0.0, "tokensConsumed": 5, "tokensLeft": -7,
}  # fmt: skip
TITLE = 'A "quoted" {title}, [with] \\ all: \u00fc \U0001f600 "tokensLeft":1, "dr":[{"asin":"B0FALSE001"}],"refillIn":3'


def deal(asin):
    row = [-1, 5, 2**31 - 1]
    return {
        "asin": asin, "avg": [row] * 4, "backInStock": [True, False, True], "creationDate": 7_000_000, "current": row,
        "currentSince": row, "delta": [row] * 4, "deltaLast": row, "deltaPercent": [row] * 4, "lastUpdate": 7_000_001,
        "title": TITLE, "warehouseConditionComment": None,
    }  # fmt: skip


def product(asin):
    return {
        "asin": asin, "categoryTree": [{"catId": 1, "name": "Books"}, {"catId": 2, "name": TITLE}],
        "csv": [None, [1, 2, 3, 4], None, [5, 6]], "domainId": 1, "eanList": ["1", "2"],
        "fbaFees": {"lastUpdate": 1, "pickAndPackFee": 2}, "features": [TITLE, "x"], "lastUpdate": 7_000_001,
        "offers": [{"offerCSV": [1, 2, 3], "offerId": 1, "sellerId": "A"}, {"offerCSV": [], "offerId": 2}],
        "productType": 0, "salesRanks": {"1": [1, 2], "2": []}, "stats": {"current": [1, 2], "min": [None, [1, 2]]},
        "title": TITLE, "variations": [{"asin": "B0VARIANT1", "attributes": [{"dimension": "Size", "value": "L"}]}],
    }  # fmt: skip


def packed(value):
    return json.dumps(value, separators=(",", ":")).encode()


class Body:
    """A valid body in the server's order of keys, and where in it each item lies."""

    def __init__(self, endpoint, count):
        make = deal if endpoint == "/deal" else product
        self.endpoint = endpoint
        self.asins = [f"B00{at}QRSTU{at}" for at in range(count)]
        self.items = [packed(make(asin)) for asin in self.asins]
        tail = packed(ENVELOPE)[1:]
        if endpoint == "/deal":
            self.before = b'{"deals":{"categoryCount":[7],"categoryIds":[9],"categoryNames":["Toys"],"dr":['
            self.after = b'],"drDateIndex":[]},"dealsCached":false,' + tail
        else:
            self.before = b'{"processingTimeInMs":12,"products":['
            self.after = b"]," + tail

    def read(self, items):
        """What is made of these items' bytes in the place of the valid ones: those found, and all that is kept."""
        body = self.before + b",".join(items) + self.after
        page = decode_deals(body) if self.endpoint == "/deal" else decode_products(body)
        assert decode_envelope(body) == page.envelope
        found = page.deals if self.endpoint == "/deal" else page.products
        return page, {one.asin: one for one in found}, [fault.raw for fault in page.faults]

    def check(self, items):
        """Every item of which at least the ASIN was left is held, and the envelope is as it was."""
        page, found, kept = self.read(items)
        assert page.envelope == decode_envelope(packed(ENVELOPE))
        assert page.envelope.unusable == ()
        assert page.is_whole
        for asin, item in zip(self.asins, items, strict=True):
            if asin.encode() in item:
                assert asin in found or any(asin.encode() in raw for raw in kept), (asin, kept)
        return page, found, kept


BODIES = [Body("/deal", 4), Body("/product", 4), Body("/deal", 1), Body("/product", 1)]
TOKENS = [
    b"NaN", b"-Infinity", b"null", b"true", b"1e999", b"12.0", b"-5", b"9" * 400, b"9" * 5000, b"-" + b"8" * 25, b"{}",
    b"[]", b'""', b'"x"', b'"\\ud83d x"', b'"\\ud83d', b'"\\u12"', b'"\\x"', b"[" * 5000 + b"]" * 5000, b"[" * 3000,
    b'{"a":' * 900 + b"1" + b"}" * 900, b"[null]", b"[[null]]", b"nul", b"", b"undefined", b"'x'",
    b'"\xff\xfe"', b'"\0"',
]  # fmt: skip
VALUE = re.compile(rb'(?<=:)(?:-?[0-9.]+|"(?:[^"\\]|\\.)*"|null|true|false|\[[-0-9,]*\])|(?<=[\[,])-?[0-9]+')
ANY_BODY = st.sampled_from(BODIES)


def test_a_body_that_is_well_is_read_as_it_was_sent():
    for body in BODIES:
        page, found, kept = body.check(body.items)
        assert (list(found), kept, page.odd) == (body.asins, [], [])


@settings(max_examples=150, deadline=None)
@given(ANY_BODY, st.data())
def test_flipped_bytes_cost_no_other_item(body, data):
    items = list(body.items)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(items) - 1))
        where = data.draw(st.integers(0, len(items[at]) - 1))
        byte = data.draw(st.sampled_from(list(b'{}[]",:\\0x \n-\x00\xff')) | st.integers(0, 255))
        items[at] = items[at][:where] + bytes([byte]) + items[at][where + 1 :]
    _, found, _ = body.check(items)
    spoilt = [one != whole for one, whole in zip(items, body.items, strict=True)]
    # What stands alone among sound ones costs itself at the most.
    if sum(spoilt) == 1:
        assert [asin in found for asin, is_spoilt in zip(body.asins, spoilt, strict=True) if not is_spoilt] == [
            True
        ] * (len(items) - 1)


@settings(max_examples=150, deadline=None)
@given(ANY_BODY, st.data())
def test_a_value_of_anything_else_costs_that_value_or_that_item(body, data):
    items = list(body.items)
    at = data.draw(st.integers(0, len(items) - 1))
    values = [found.span() for found in VALUE.finditer(items[at])]
    start, stop = data.draw(st.sampled_from(values))
    items[at] = items[at][:start] + data.draw(st.sampled_from(TOKENS)) + items[at][stop:]
    _, found, _ = body.check(items)
    assert set(found) >= set(body.asins) - {body.asins[at]}


@settings(max_examples=100, deadline=None)
@given(ANY_BODY, st.data())
def test_bytes_that_go_missing_inside_items_lose_no_other_item(body, data):
    items = list(body.items)
    at = data.draw(st.integers(0, len(items) - 1))
    start = data.draw(st.integers(1, len(items[at]) - 1))
    stop = data.draw(st.integers(start, len(items[at]) - 1))
    items[at] = items[at][:start] + items[at][stop:]
    body.check(items)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(BODIES[:2]), st.data())
def test_of_a_body_that_was_cut_off_what_is_whole_is_read_and_the_rest_is_kept(body, data):
    whole = body.before + b",".join(body.items) + body.after
    end = len(whole) - len(body.after)
    cut = whole[: data.draw(st.integers(len(body.before), end))]
    page = decode_deals(cut) if body.endpoint == "/deal" else decode_products(cut)
    found = [one.asin for one in (page.deals if body.endpoint == "/deal" else page.products)]
    assert not page.is_whole
    assert page.envelope.tokens_left is None
    assert decode_envelope(cut) == page.envelope
    kept = b"".join(fault.raw for fault in page.faults)
    for asin in body.asins:
        if cut.count(b'"asin":"' + asin.encode()):
            assert asin in found or asin.encode() in kept


@pytest.mark.parametrize("body", BODIES[:2], ids=lambda body: body.endpoint)
@pytest.mark.parametrize("token", TOKENS, ids=lambda token: repr(token[:12]))
def test_any_optional_field_of_any_value_leaves_the_item_usable(body, token):
    """Every field but those that an item is nothing without, one after the other, in every item."""
    needed = {b"asin", b"avg", b"creationDate", b"current", b"currentSince", b"delta", b"deltaLast"}
    needed |= {b"deltaPercent", b"lastUpdate"} if body.endpoint == "/deal" else set()
    for name in sorted(set(json.loads(body.items[0])) - {name.decode() for name in needed}):
        field = b'"' + name.encode() + b'":' + packed(json.loads(body.items[0])[name])
        items = [item.replace(field, b'"' + name.encode() + b'":' + token) for item in body.items]
        _, found, kept = body.check(items)
        if is_closed(token):
            assert (list(found), kept) == (body.asins, []), name


def is_closed(token):
    """Whether a value's strings and brackets close, so that its end can be told."""
    return token not in {b'"\\ud83d', b"[" * 3000, b"", b"'x'"}


@given(st.sampled_from(BODIES[:2]), st.binary(max_size=60))
@example(BODIES[0], b"}]")
@example(BODIES[1], b'}],"x":[')
@example(BODIES[0], b'],"":')
@example(BODIES[0], b'],"drDateIndex":')
def test_anything_in_the_place_of_an_item_keeps_the_others(body, junk):
    items = [body.items[0], junk, *body.items[2:]]
    page, found, kept = body.read(items)
    assert page.envelope.unusable == ()
    for asin, item in zip(body.asins, items, strict=True):
        assert asin.encode() not in item or asin in found or any(asin.encode() in raw for raw in kept)


def test_a_large_body_of_which_nothing_is_sound_is_given_up_in_time():
    """The search for the next item is bounded by the body's length, whatever stands there."""
    body = BODIES[1]
    page, found, kept = body.read([b'{"a":' * 20_000])
    assert (found, page.envelope.unusable, len(kept)) == ({}, (), 1)

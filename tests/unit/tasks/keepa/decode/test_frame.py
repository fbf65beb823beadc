"""Bodies taken apart by their bytes: what stands behind them, and that no input makes the work more than its size."""

import json
import sys

import pytest

from tasks.errors import Transient
from tasks.keepa.decode import scanner
from tasks.keepa.decode.frame import take_apart
from tasks.keepa.decode.replies import decode_deals, decode_envelope, decode_products, open_products

ITEM = b'{"asin":"B000000001","title":"x","brand":"y"}'
KNOWN = b'"timestamp":1758036697230,"tokensLeft":7,"refillIn":100,"refillRate":5,"tokensConsumed":1'


@pytest.mark.parametrize(
    "behind", [b"x", b"\n<!-- a proxy was here -->", b"{}", b'{"a":1}', b"\x00\x00", b'"', b"]", b"}"]
)
@pytest.mark.parametrize("spoilt", [ITEM, b'{"asin":@@@', b'{"asin":"B000000002","title":"\\'])
def test_what_stands_behind_a_body_costs_nothing_in_it(behind, spoilt):
    batch = decode_products(b'{"products":[%b,%b],%b}' % (ITEM, spoilt, KNOWN) + behind)
    assert batch.products[0].asin == "B000000001"
    assert batch.envelope.tokens_left == 7
    assert len(batch.products) + len(batch.faults) == 2


@pytest.mark.parametrize("behind", [b"x", b" <html>", b"{}"])
def test_a_page_with_something_behind_it_is_whole(behind):
    deal = {
        "asin": "B000000001", "avg": [[1]], "creationDate": 1, "current": [1], "currentSince": [1], "delta": [[1]],
        "deltaLast": [1], "deltaPercent": [[1]], "lastUpdate": 1,
    }  # fmt: skip
    body = json.dumps({"deals": {"dr": [deal, deal], "categoryIds": [1]}, "tokensLeft": 7}).encode()
    page = decode_deals(body + behind)
    assert (len(page.deals), page.faults, page.is_whole, page.envelope.tokens_left) == (2, [], True, 7)


def test_a_known_field_behind_a_bracket_that_ends_nothing_is_got_past():
    frame = take_apart(b'{"products":[{"asin":@@@],"tokensLeft":1},"tokensLeft":2],"tokensLeft":3', "/product")
    assert b"".join(fault.raw for fault in frame.faults).startswith(b'{"asin":@@@')


def test_ends_within_ends_are_no_depth():
    once = b'],"tokensLeft":1,@' + ITEM
    frame = take_apart(b'{"products":[@,' + once * 3000, "/product")
    assert sum(map(len, frame.items)) + sum(len(fault.raw) for fault in frame.faults) > 0


def tokens_read(body, endpoint):
    """How many tokens are looked at, which no busy machine changes."""
    count = 0

    def counted(frame, event, _argument):
        nonlocal count
        count += event == "call" and frame.f_code is scanner._turned.__code__

    sys.setprofile(counted)
    try:
        frame = take_apart(body, endpoint)
        for name in ("error", "tokensLeft"):
            frame.value(name)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize(
    ("head", "again"),
    [
        (b'{"tokensLeft":1,"error":', b'{"error":'),
        (b'{"tokensLeft":1,', b'"error":[1,'),
        (b'{"products":[@,', b'{"asin":1,"title":1,"brand":1}],"x":['),
        (b'{"products":[@,', b'{"asin":1,"title":1,"brand":'),
        (b'{"products":[', ITEM + b",["),
        (b'{"products":[', ITEM + b'],"tokensLeft":1,"x":['),
        (b'{"products":[@', b'],"tokensLeft":1,"x":[' + ITEM),
        (b'{"products":[@', b'],"tokensLeft":{"x":[' + ITEM),
        (b'{"deals":{"dr":[@,', b'{"asin":1,"title":1,"image":1}],"x":[1],"y":['),
        (b'{"deals":{"dr":[', b'{"asin":1,"title":1,"image":[1,2]} '),
    ],
)
def test_twice_the_body_is_not_four_times_the_work(head, again):
    endpoint = "/deal" if b"deals" in head else "/product"
    once, twice = (tokens_read(head + again * count, endpoint) for count in (150, 300))
    assert twice < 2.6 * once + 200, (once, twice)


@pytest.mark.parametrize("behind", [b"", b"x"])
@pytest.mark.parametrize("item", [b"0,", b"{},"])
@pytest.mark.parametrize(
    ("decode", "head", "end"),
    [(open_products, b'{"products":[', b"]}"), (decode_deals, b'{"deals":{"dr":[', b"]}}")],
)
def test_a_list_that_is_longer_than_any_is_no_list_of_items(decode, head, item, end, behind):
    body = head + item * 150_001 + item[:-1] + end + behind
    with pytest.raises(Transient, match="more than 150000 items"):
        decode(body)
    assert decode_envelope(b'{"tokensLeft":1,' + body[1:]).tokens_left == 1


@pytest.mark.parametrize("middle", [b"", b"}"])
def test_blanks_behind_a_bracket_are_read_once(middle):
    body = b'{"products":[{"asin":@ ]' + b" " * 300_000 + middle + b" " * 300_000 + b'x,"tokensLeft":1'
    assert take_apart(body, "/product").has_list

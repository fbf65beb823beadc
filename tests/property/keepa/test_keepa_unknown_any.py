"""Any fields that no build knows, at any depth of an item: the same value as without them, and they are in `extra`."""

import json
from unittest import mock

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tasks.keepa.decode import fields, item
from tasks.keepa.decode.replies import decode_deals, decode_products

DEAL = {
    "asin": "B00DEAL001", "avg": [[1, 2]] * 4, "creationDate": 7, "current": [1, 2], "currentSince": [3, 4],
    "delta": [[0, 0]] * 4, "deltaLast": [0, 1], "deltaPercent": [[0, 0]] * 4, "lastUpdate": 8, "title": "a",
}  # fmt: skip
PRODUCT = {
    "asin": "B00PRODUC1", "categoryTree": [{"catId": 1, "name": "Books"}, {"catId": 2}], "csv": [None, [1, 2, 3, 4]],
    "fbaFees": {"lastUpdate": 1, "pickAndPackFee": 2}, "lastUpdate": 8, "title": "\u00fc\u0000",
    "offers": [{"offerCSV": [1, 2, 3], "offerId": 1}, {"offerId": 2}], "stats": {"current": [1, 2]},
}  # fmt: skip
NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=8)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


def unknown(kind):
    """Fields that an object of that kind does not have."""
    names = NAMES.filter(lambda name: name not in fields.FIELDS[kind] and name != "$extra")
    return st.dictionaries(names, VALUES, max_size=3)


@st.composite
def spiced(draw, kind, plain):
    """The object with unknown fields anywhere among its own and in its parts, and what its value must be then."""
    added = draw(unknown(kind))
    names = draw(st.permutations([*plain, *added]))
    body, value = {}, {}
    for name in names:
        if name in added:
            body[name] = added[name]
        elif name in fields.PARTS and isinstance(plain[name], list):
            both = [draw(spiced(fields.PARTS[name], one)) for one in plain[name]]
            body[name], value[name] = [one[0] for one in both], [one[1] for one in both]
        elif name in fields.PARTS:
            body[name], value[name] = draw(spiced(fields.PARTS[name], plain[name]))
        else:
            body[name] = value[name] = plain[name]
    return body, value | ({"$extra": added} if added else {})


def without_nul(value):
    """What is stored of it: PostgreSQL has no NUL in a text."""
    return json.loads(json.dumps(value).replace("\\\\", "\0").replace("\\u0000", "\\ufffd").replace("\0", "\\\\"))


def packed(key, items):
    body = {"deals": {"dr": items}} if key == "deals" else {"products": items}
    return json.dumps(body).encode()


@given(st.lists(spiced(fields.Deal, DEAL), min_size=1, max_size=3))
def test_deals_are_the_same_with_fields_that_nobody_knows(pairs):
    page = decode_deals(packed("deals", [body for body, _ in pairs]))
    assert not page.faults
    assert page.deals == [msgspec.convert(without_nul(value), fields.Deal) for _, value in pairs]


@given(st.lists(spiced(fields.Product, PRODUCT), min_size=1, max_size=3))
def test_products_are_the_same_with_fields_that_nobody_knows_in_any_of_their_parts(pairs):
    batch = decode_products(packed("products", [body for body, _ in pairs]))
    assert not batch.faults
    assert batch.products == [msgspec.convert(without_nul(value), fields.Product) for _, value in pairs]


@given(spiced(fields.Product, PRODUCT))
def test_the_ways_that_cost_little_and_the_one_that_takes_an_item_apart_say_the_same(pair):
    raw = msgspec.Raw(json.dumps(pair[0]).encode())
    with mock.patch.object(item.Reader, "_at_once", return_value=None):
        apart = item.products().read(raw)
    with mock.patch.object(item, "fit_fields", None):
        assert item.products().read(raw) == apart

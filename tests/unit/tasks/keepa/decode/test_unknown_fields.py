"""Fields that no build knows, in any part of an item: the rest is read strictly in one go, and they are in `extra`."""

import json

import msgspec
import pytest

from tasks.keepa.decode import fields, item, unknown_fields
from tasks.keepa.product import Product

ITEM = {
    "asin": "B000000001",
    "newField": [{"a": None}],
    "title": "x",
    "stats": {"current": [1], "newFigure": 2},
    "offers": [{"offerId": 1}, {"offerId": 2, "isNew": True}],
    "fbaFees": None,
}


def read(raw, *, with_parts):
    return json.loads(unknown_fields.aside(Product, json.dumps(raw).encode(), with_parts=with_parts))


def test_an_item_whose_fields_are_all_known_is_the_same_bytes():
    raw = b'{"asin": "B000000001" , "stats":{ }, "offers":[{"offerId":1}], "fbaFees":null}'
    assert unknown_fields.aside(Product, raw, with_parts=True) is raw


def test_unknown_fields_go_into_the_extra_of_the_object_they_are_in():
    assert read(ITEM, with_parts=False) == {
        **{name: value for name, value in ITEM.items() if name != "newField"},
        "$extra": {"newField": [{"a": None}]},
    }
    found = read(ITEM, with_parts=True)
    assert found["stats"] == {"current": [1], "$extra": {"newFigure": 2}}
    assert found["offers"] == [{"offerId": 1}, {"offerId": 2, "$extra": {"isNew": True}}]
    assert found["fbaFees"] is None


def test_an_item_that_was_read_before_or_is_none_is_refused():
    faults = {b'{"$extra":{"a":1},"b":2}': "before", b"[]": "object", b'{"a":': "truncated", b'{"stats":5}': "array"}
    for raw, reason in faults.items():
        with pytest.raises(ValueError, match=reason):
            unknown_fields.aside(Product, raw, with_parts=True)


def test_no_field_is_read_by_itself_where_all_that_is_odd_is_an_unknown_one(monkeypatch):
    monkeypatch.setattr(item, "fit_fields", None)  # what takes an item apart, ten times as slow
    raws = [msgspec.Raw(json.dumps(ITEM | {"asin": f"B00000000{at}"}).encode()) for at in range(3)]
    found = item.each(raws, item.products())
    assert not found.faults
    assert not found.odd
    assert [one.extra for one in found.found] == [{"newField": [{"a": None}]}] * 3
    assert [one.stats.extra for one in found.found] == [{"newFigure": 2}] * 3


def test_items_without_unknown_fields_are_read_after_one_with_them_and_before():
    plain = {"asin": "B000000009", "title": "y"}
    found = item.each([msgspec.Raw(json.dumps(one).encode()) for one in (plain, ITEM, plain, ITEM)], item.products())
    assert [one.asin for one in found.found] == ["B000000009", "B000000001"] * 2
    assert found.found[0] == found.found[2]
    assert found.found[1] == found.found[3]


def test_a_value_too_deep_to_be_read_again_is_kept_as_text_on_either_way():
    deep = b"[" * 900 + b"]" * 900
    assert fields.received(msgspec.Raw(deep)) == deep.decode()
    found, notes = item.products().read(msgspec.Raw(b'{"asin":"B000000001","new":' + deep + b"}"))
    assert (found.extra, notes) == ({"new": deep.decode()}, [])

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


def split(raw):
    return fields.OBJECT.decode(json.dumps(raw))


def joined(found):
    return json.loads(msgspec.json.encode(found))


def test_an_item_whose_fields_are_all_known_stays_as_it_is():
    plain = {"asin": "B000000001", "stats": {}, "offers": [{"offerId": 1}], "fbaFees": None}
    found = split(plain)
    assert unknown_fields.put_aside(Product, found) is False
    assert unknown_fields.put_aside_in(found, fields.ALL_PARTS) == []
    assert joined(found) == plain


def test_unknown_fields_go_into_the_extra_of_the_object_they_are_in():
    found = split(ITEM)
    assert unknown_fields.put_aside(Product, found) is True
    others = {name: value for name, value in ITEM.items() if name != "newField"}
    assert joined(found) == others | {"$extra": {"newField": [{"a": None}]}}
    assert sorted(unknown_fields.put_aside_in(found, fields.ALL_PARTS)) == ["offers", "stats"]
    assert joined(found["stats"]) == {"current": [1], "$extra": {"newFigure": 2}}
    assert joined(found["offers"]) == [{"offerId": 1}, {"offerId": 2, "$extra": {"isNew": True}}]
    assert joined(found["fbaFees"]) is None


def test_what_was_read_before_or_is_no_part_is_refused():
    with pytest.raises(ValueError, match="before"):
        unknown_fields.put_aside(Product, split({"$extra": {"a": 1}, "b": 2}))
    with pytest.raises(ValueError, match="array"):
        unknown_fields.put_aside_in(split({"stats": 5}), ["stats"])


def test_no_field_is_read_by_itself_where_all_that_is_odd_is_an_unknown_one(mocker):
    mocker.patch.object(item, "fit_fields", None)  # what takes an item apart, ten times as slow
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


def test_a_part_is_looked_into_where_an_item_before_had_something_unknown_in_it(mocker):
    aside = mocker.spy(unknown_fields, "put_aside_in")
    other = {"asin": "B000000002", "fbaFees": {"newFee": 1}}
    plain = {"asin": "B000000003"}
    found = item.each([msgspec.Raw(json.dumps(one).encode()) for one in (ITEM, ITEM, other, plain)], item.products())
    assert [one.extra for one in found.found] == [{"newField": [{"a": None}]}] * 2 + [None] * 2
    assert found.found[2].fba_fees.extra == {"newFee": 1}
    two, others = ["offers", "stats"], ["categoryTree", "fbaFees", "reviews"]
    looked = [sorted(given.args[1]) for given in aside.call_args_list]
    assert looked == [[], sorted(fields.ALL_PARTS), two, two, others, ["fbaFees", *two]]

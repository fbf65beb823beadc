"""What no column holds in an optional field of an item costs that field, and the item is kept with it in `extra`."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.keepa.deal import Int4, Int8
from tasks.keepa.decode.replies import Deal, Product, decode_deals, decode_products
from tasks.store.products import product_columns

DEAL = {
    "asin": "B000000001", "avg": [[1]] * 4, "creationDate": 1, "current": [1], "currentSince": [1], "delta": [[1]] * 4,
    "deltaLast": [1], "deltaPercent": [[1]] * 4, "lastUpdate": 1,
}  # fmt: skip
PRODUCT = {"asin": "B000000001", "domainId": 1}


def optional(kind, *types):
    """The names on the wire of the optional fields of these types."""
    wanted = {one for held in types for one in (held | None, list[held] | None)}
    return [field.encode_name for field in msgspec.structs.fields(kind) if field.type in wanted]


def read(endpoint, item):
    name = "products" if endpoint == "/product" else "deals"
    body = json.dumps({name: [item] if endpoint == "/product" else {"dr": [item]}, "tokensLeft": 1}).encode()
    return decode_products(body) if endpoint == "/product" else decode_deals(body)


FIELDS = [
    (endpoint, base, name, bits)
    for endpoint, base, kind in (("/deal", DEAL, Deal), ("/product", PRODUCT, Product))
    for held, bits in ((Int4, 32), (Int8, 64))
    for name in optional(kind, held)
]


@given(at=st.sampled_from(FIELDS), beyond=st.integers(min_value=0, max_value=2**80), is_low=st.booleans())
def test_a_number_beyond_its_column_goes_to_extra(at, beyond, is_low):
    endpoint, base, name, bits = at
    number = -(2 ** (bits - 1)) - 1 - beyond if is_low else 2 ** (bits - 1) + beyond
    for value in (number, [number]):
        found = read(endpoint, base | {name: value})
        items = found.products if endpoint == "/product" else found.deals
        assert (len(items), found.faults) == (1, [])
        assert items[0].extra == {name: value}
        assert found.odd[0].notes[0].startswith(f"{name}: ")


@pytest.mark.parametrize(("kind", "columns"), [(Product, product_columns.COLUMNS)])
def test_every_number_with_a_column_is_as_wide_as_that(kind, columns):
    held = {"int4": Int4, "int8": Int8, "int4[]": list[Int4], "int8[]": list[Int8]}
    types = {field.name: field.type for field in msgspec.structs.fields(kind)}
    ranged = {name: held[told] | None for name, told in columns.items() if name in types and told in held}
    assert {name: types[name] for name in ranged} == ranged


TEXTS = st.text(st.sampled_from('\0\\"u0\ufffda'), max_size=12)


@given(title=TEXTS, unknown=TEXTS)
def test_a_nul_becomes_a_character_that_every_table_holds_and_nothing_else_does(title, unknown):
    for endpoint, base in (("/deal", DEAL), ("/product", PRODUCT)):
        found = read(endpoint, base | {"title": title, "unknown": {"name" + unknown: unknown}})
        (item,) = found.products if endpoint == "/product" else found.deals
        mended = unknown.replace("\0", "\ufffd")
        assert item.title == title.replace("\0", "\ufffd")
        assert item.extra == {"unknown": {"name" + mended: mended}}
        assert bool(found.odd) == ("\0" in title + unknown)

"""Sales ranks as the server gives them become the JSON that was received."""

import json

from hypothesis import given
from hypothesis import strategies as st

from tasks.store.bulk import arrays, byte_planes
from tasks.store.export import packed_ranks

MINUTES = st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=20, unique=True).map(sorted)
LISTS = MINUTES.flatmap(
    lambda minutes: st.lists(st.integers(-1, 2**31 - 1), min_size=len(minutes), max_size=len(minutes)).map(
        lambda ranks: [number for point in zip(minutes, ranks, strict=True) for number in point]
    )
)
RANKS = st.dictionaries(st.integers(-(2**63), 2**63 - 1).map(str), LISTS, min_size=1, max_size=5)


def hexed(numbers):
    return byte_planes.of_values(arrays.words(numbers)).hex()


def packed(ranks, sales):
    """As the server puts the columns together; the lists that are `sales` are not among them."""
    own = [points for points in ranks.values() if points != sales]
    counts = [0 if points == sales else len(points) // 2 for points in ranks.values()]
    words = [";".join(ranks), ";".join(map(str, counts))]
    words += [hexed([number for points in own for number in points[at::2]]) for at in (0, 1)]
    if sales is not None and 0 in counts:
        pages, minutes = byte_planes.of_minutes(arrays.words(sales[::2]))
        places = "-" if pages is None else ";".join(map(str, pages))
        words += [str(len(sales) // 2), str(sales[0]), places, minutes.hex(), hexed(sales[1::2])]
    return " ".join(words).encode()


@given(RANKS, st.none() | LISTS, st.booleans())
def test_the_lists_of_all_categories_are_read_as_they_were_received(ranks, sales, is_one_of_them):
    if sales is not None and is_one_of_them:
        ranks = {**ranks, "17": sales}
    assert json.loads(packed_ranks.unpacked(packed(ranks, sales))) == ranks


def test_a_list_that_was_that_of_sales_is_gone_with_it():
    ranks = {"17": [1, 2], "18": [3, 4]}
    assert json.loads(packed_ranks.unpacked(b"17;18 0;1 03 04")) == {"18": ranks["18"]}
    assert packed_ranks.unpacked(b"17 0  ") == b""


def test_what_is_json_already_stays_as_it_is_in_one_line():
    assert packed_ranks.unpacked(b"json " + b'{"none":\n[1]}'.hex().encode()) == b'{"none": [1]}'


def test_nothing_stays_nothing():
    assert packed_ranks.unpacked(b"") == b""

"""Packed lists are what PostgreSQL reads, for any numbers, and numbers that do not fit are refused."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.store.bulk import arrays
from tasks.store.connection import connect

INT4 = st.integers(-(2**31), 2**31 - 1)
INT8 = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@pytest.fixture(scope="module")
def reader(pg_server):
    """Reads one packed value back through a binary COPY."""
    url, name = pg_server.create("template1")
    with connect(url, application_name="test", autocommit=True) as connection:
        connection.execute("CREATE TABLE t (a int4[], b int8[], c bool[], d text[])")

        def read(column, value):
            connection.execute("TRUNCATE t")
            with connection.cursor() as cursor, cursor.copy(f"COPY t ({column}) FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types(["bytea"])
                copy.write_row((value,))
            return connection.execute(f"SELECT {column} FROM t").fetchone()[0]

        yield read
    pg_server.drop(name)


@settings(max_examples=40)
@given(st.lists(INT4))
def test_integers(reader, values):
    assert reader("a", arrays.ints(values)) == values


@settings(max_examples=40)
@given(st.integers(0, 5), st.integers(0, 40), st.data())
def test_tables(reader, rows, width, data):
    values = data.draw(st.lists(st.lists(INT4, min_size=width, max_size=width), min_size=rows, max_size=rows))
    assert reader("a", arrays.matrix(values)) == (values if rows and width else [])


@settings(max_examples=60)
@given(st.data())
def test_lists_and_tables_together_are_what_each_is_alone(data):
    width, height = data.draw(st.integers(0, 4)), data.draw(st.integers(0, 3))
    row = st.lists(INT4, min_size=width, max_size=width) | st.lists(INT4, max_size=4)  # mostly of one shape
    lists = data.draw(st.lists(row, min_size=1, max_size=3))
    tables = data.draw(st.lists(st.lists(row, min_size=height, max_size=height), min_size=1, max_size=3))
    if all(len(set(map(len, table))) <= 1 for table in tables):
        assert arrays.together(lists, tables) == [*map(arrays.ints, lists), *map(arrays.matrix, tables)]
    else:
        with pytest.raises(ValueError, match="rows of different lengths"):
            arrays.together(lists, tables)


def test_lists_and_tables_of_one_shape_together():
    lists, tables = [[1, -2], [3, 2**31 - 1]], [[[5, 6], [7, 8]], [[0, 0], [-(2**31), 1]]]
    assert arrays.together(lists, tables) == [*map(arrays.ints, lists), *map(arrays.matrix, tables)]


@settings(max_examples=40)
@given(st.lists(INT8))
def test_long_integers(reader, values):
    assert reader("b", arrays.longs(values)) == values


@settings(max_examples=40)
@given(st.lists(st.booleans()))
def test_booleans(reader, values):
    assert reader("c", arrays.bools(values)) == values


@settings(max_examples=40)
@given(st.lists(TEXT))
def test_texts(reader, values):
    assert reader("d", arrays.texts(values)) == values


@settings(max_examples=300)
@given(st.lists(INT4 | st.integers(-2, 9) | st.sampled_from([0, 2**31 - 2, 2**31 - 1]), max_size=6), st.booleans())
def test_what_rises_from_0_on_is_told_from_what_does_not(values, is_sorted):
    values = sorted(values) if is_sorted else values
    expected = all(one < other for one, other in pairwise(values)) and all(value >= 0 for value in values)
    assert arrays.rises(arrays.words(values)) == expected


def test_a_long_list(reader):
    values = list(range(-50_000, 50_000))
    assert reader("a", arrays.ints(values)) == values


@pytest.mark.parametrize("number", [2**31, -(2**31) - 1, 2**80])
def test_what_does_not_fit_32_bits_is_refused(number):
    for attempt in (
        lambda: arrays.ints([0, number]),
        lambda: arrays.matrix([[0], [number]]),
        lambda: arrays.together([[0]], [[[number]]]),
        lambda: arrays.check_int4s((None, number)),
    ):
        with pytest.raises((OverflowError, ValueError), match="32"):
            attempt()
    arrays.check_int4s((None, 2**31 - 1, -(2**31)))


def test_what_does_not_fit_64_bits_is_refused():
    with pytest.raises(OverflowError):
        arrays.longs([2**63])


def test_a_ragged_table_is_refused():
    with pytest.raises(ValueError, match="rows of different lengths: 2, 1"):
        arrays.matrix([[1, 2], [3]])
    with pytest.raises(ValueError, match="rows of different lengths: 3, 1"):
        arrays.together([[1, 2]], [[[1, 2, 3], [4]]])  # as many numbers as it should have


@pytest.mark.parametrize("value", [[1.5], ["1"], [None]])
def test_what_is_no_integer_is_refused(value):
    with pytest.raises(ValueError, match="not 32-bit integers"):
        arrays.ints(value)


def test_half_a_surrogate_pair_is_refused():
    with pytest.raises(UnicodeEncodeError):
        arrays.texts(["\ud800"])

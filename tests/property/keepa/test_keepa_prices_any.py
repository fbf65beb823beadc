"""Histories: what is packed comes out again, and odd ones are mended or named, never guessed at."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.keepa import prices

VALUE = st.integers(-2, 2**31 - 1)
MINUTE = st.integers(0, 2**31 - 1)
TYPES = st.integers(0, len(prices.NAMES) - 1)


def width_of(price_type):
    return 3 if price_type in prices.TRIPLES else 2


@st.composite
def histories(draw, minutes=None):
    """Flat lists by price type, absent ones None or empty."""
    minutes = st.sets(MINUTE, max_size=5).map(sorted) if minutes is None else minutes
    csv = []
    for price_type in range(draw(st.integers(0, len(prices.NAMES)))):
        times = draw(minutes)
        groups = [[minute, *(draw(VALUE) for _ in range(width_of(price_type) - 1))] for minute in times]
        flat = [value for group in groups for value in group]
        csv.append(flat or draw(st.sampled_from([None, []])))
    return csv


@given(histories())
def test_packing_what_was_decoded_gives_the_same_list(csv):
    series = prices.decode(csv)
    assert [one.price_type for one in series] == [at for at, flat in enumerate(csv) if flat]
    for one in series:
        columns = (one.minutes, one.prices) if one.shipping is None else (one.minutes, one.prices, one.shipping)
        assert [value for group in zip(*columns, strict=True) for value in group] == csv[one.price_type]
        assert (one.shipping is None) == (one.price_type not in prices.TRIPLES)
    assert prices.fault(csv) is None


@given(histories(minutes=st.lists(st.integers(0, 6), max_size=6)))
def test_out_of_order_minutes_are_put_in_order_and_the_later_group_wins(csv):
    for one in prices.decode(csv):
        width, flat = width_of(one.price_type), csv[one.price_type]
        last = {flat[at]: flat[at + 1] for at in range(0, len(flat), width)}
        assert dict(zip(one.minutes, one.prices, strict=True)) == last
        assert one.minutes == sorted(last)


@given(TYPES, st.lists(VALUE, min_size=1, max_size=20))
def test_a_cut_history_is_named(price_type, flat):
    csv = [None] * price_type + [flat]
    if len(flat) % width_of(price_type):
        with pytest.raises(prices.BrokenHistory, match=rf"csv\[{price_type}\]: {len(flat)} values"):
            prices.decode(csv)
        assert prices.fault(csv) is not None
    else:
        assert len(prices.decode(csv)) == 1


def test_a_price_type_nobody_knows_is_read_as_its_minutes_say():
    unknown = [None] * len(prices.NAMES)
    assert prices.decode([*unknown, [10, 5, 20, 6]])[0].prices == [5, 6]
    with_shipping = prices.decode([*unknown, [10, 5, 1, 20, 6, 2]])[0]
    assert (with_shipping.minutes, with_shipping.shipping) == ([10, 20], [1, 2])
    assert prices.decode([*unknown, [10, 5, 1]])[0].shipping == [1]
    with pytest.raises(prices.BrokenHistory):
        prices.decode([*unknown, [10, 5, 1, 9, 9]])


def test_nothing_has_no_history():
    assert prices.decode(None) == prices.decode([]) == prices.decode([None, []]) == []
    assert prices.fault(None) is None


def test_the_names_and_triples_are_those_of_the_documentation():
    assert (prices.NAMES[0], prices.NAMES[3], prices.NAMES[18]) == ("AMAZON", "SALES", "BUY_BOX_SHIPPING")
    assert (prices.NAMES[32], prices.NAMES[33]) == ("BUY_BOX_USED_SHIPPING", "PRIME_EXCL")
    assert (prices.NAMES[34], prices.NAMES[35]) == ("COUNT_NEW_FBA", "COUNT_NEW_FBM")
    assert sorted(prices.TRIPLES) == [7, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 32]
    assert len(prices.NAMES) == len(set(prices.NAMES)) == 36
    shipping = {at for at, name in enumerate(prices.NAMES) if name.endswith("_SHIPPING")}
    assert shipping == prices.TRIPLES


def test_minute_0_is_the_first_of_2011():
    assert prices.minute_of_ms(1_293_840_000_000) == 0
    assert prices.minute_of_ms(1_293_840_000_000 - 1) == -1


@given(st.integers(-20_000_000, 30_000_000), st.integers(0, 59_999))
def test_any_moment_of_a_minute_is_in_it(minute, extra_ms):
    moment = datetime(2011, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    assert prices.minute_of_ms(round(moment.timestamp()) * 1000 + extra_ms) == minute

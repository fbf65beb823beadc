"""Histories as byte planes: whatever they hold comes out again, in as few bytes as that takes."""

from array import array

from hypothesis import example, given
from hypothesis import strategies as st

from tasks.store.bulk import byte_planes

LOW, HIGH = -(2**31), 2**31 - 1
EDGES = [2**8, 2**16, 2**24]
VALUE = st.one_of(
    st.just(-1),
    st.integers(0, 2**8),
    st.integers(0, 2**16),
    st.sampled_from([LOW, HIGH, -2, *(edge + by for edge in EDGES for by in (-2, -1, 0))]),
    st.integers(LOW, HIGH),
)
GAP = st.one_of(st.integers(1, 40_000), st.sampled_from([65_535, 65_536, 2**31]))
VALUES = [VALUE, *(st.integers(-1, edge) for edge in EDGES)]
COLUMNS = st.integers(1, 2)
WIDE = 4


@st.composite
def histories(draw, columns=COLUMNS):
    """Minutes that rise, and columns beside them."""
    found = [draw(st.one_of(st.integers(0, 8_000_000), st.sampled_from([LOW, -1, 0, HIGH])))]
    for gap in draw(st.lists(GAP, max_size=40)):
        if found[-1] + gap <= HIGH:
            found.append(found[-1] + gap)
    lists = st.lists(draw(st.sampled_from(VALUES)), min_size=len(found), max_size=len(found))
    return found, [draw(lists) for _ in range(draw(columns))]


def number_at(place, planes, width, count):
    """What the SQL function of that name does."""
    number = int.from_bytes(planes[place::count], "big", signed=width == WIDE)
    return -1 if width < WIDE and number == 256**width - 1 else number


@given(histories())
@example(([0, 1], [[255, -1], [254, -1]]))
@example(([0, 1], [[65_535, -1], [65_534, -1]]))
@example(([0, 1], [[2**24 - 1, -1], [2**24 - 2, -1]]))
@example(([0, 1], [[-1, -1], [-2, 0]]))
def test_values_come_out_of_the_fewest_planes_that_hold_them(history):
    for values in history[1]:
        planes = byte_planes.of_values(array("i", values))
        width = len(planes) // len(values)
        assert byte_planes.read_values(planes, len(values)).tolist() == values
        assert [number_at(place, planes, width, len(values)) for place in range(len(values))] == values
        fits = [wide for wide in (1, 2, 3) if all(-1 <= value < 256**wide - 1 for value in values)]
        assert width == min([*fits, WIDE])


@given(histories())
@example(([LOW, HIGH], []))
@example(([65_535, 65_536], []))
def test_minutes_come_out_again_and_take_no_more_room_than_whole_ones(history):
    minutes, _ = history
    pages, planes = byte_planes.of_minutes(array("i", minutes))
    count = len(minutes)
    assert byte_planes.read_minutes(pages, planes, count, minutes[0]).tolist() == minutes
    if pages is None:
        assert [number_at(place, planes, WIDE, count) for place in range(count)] == minutes
    else:
        page = [(minutes[0] >> 16) + sum(start <= place for start in pages) for place in range(count)]
        assert [(page[at] << 16) + int.from_bytes(planes[at::count], "big") for at in range(count)] == minutes
        assert len(planes) + 4 * len(pages) < 4 * count

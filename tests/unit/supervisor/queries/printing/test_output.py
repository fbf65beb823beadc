"""What people type, read; and what they are shown, in columns."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from supervisor.queries import parsing
from supervisor.queries.printing import output, plain_text
from supervisor.queries.printing.output import Column
from supervisor.queries.product import plot
from supervisor.queries.product.plot import Steps


@pytest.mark.parametrize("text", ["3", "de", "amazon.de", " DE "])
def test_a_locale_is_known_by_number_and_name(text):
    assert parsing.domain(text) == 3


@pytest.mark.parametrize(("text", "number"), [("com", 1), ("uk", 2), ("co.uk", 2), ("mx", 11), ("jp", 5)])
def test_a_locale_is_known_by_its_last_part(text, number):
    assert parsing.domain(text) == number


@pytest.mark.parametrize(
    "read", [parsing.domain, parsing.price_type, parsing.asin, parsing.count, parsing.percent, parsing.money_type]
)
@pytest.mark.parametrize("text", ["", "7x", "cn", "-1", "0", "²"])
def test_what_is_meant_by_nobody_is_refused_with_what_there_is(read, text):
    if (read, text) in [(parsing.price_type, "0"), (parsing.money_type, "0")]:
        return
    with pytest.raises(ValueError, match=r"there are|no ASIN|whole number"):
        read(text)


def test_price_types_are_known_by_name_and_number():
    assert [parsing.price_type(text) for text in ("new", "0", "new-fba")] == ["NEW", "AMAZON", "NEW_FBA"]
    assert [parsing.price_type(text) for text in ("1001", "count-variation-ratings")] == [
        "COUNT_VARIATION_REVIEWS",
        "COUNT_VARIATION_RATINGS",
    ]
    assert not parsing.is_money("COUNT_VARIATION_REVIEWS")
    with pytest.raises(ValueError, match="SALES is no price but a rank"):
        parsing.money_type("sales")


def test_an_asin_may_be_typed_in_small_letters():
    assert parsing.asin(" b08n5wrwnw ") == "B08N5WRWNW"


def test_numbers_stand_right_and_the_elastic_column_gives_way():
    table = [Column("n", is_number=True), Column("title", is_elastic=True)]
    assert output.lines(table, [["1", "short"], ["10", "a title that is long"]], width=20) == [
        " n  title",
        " 1  short",
        "10  a title that is…",
    ]
    assert output.lines(table, [["1", "a title that is long"]], width=None)[1] == "1  a title that is long"


def test_nothing_that_a_terminal_would_obey_is_shown():
    assert plain_text.readable("Tom &amp; Jerry\x1b[31m\x07\n&#27;[2J") == "Tom & Jerry [31m  [2J"


@given(st.lists(st.tuples(st.text(max_size=40), st.text(max_size=120)), max_size=5), st.integers(20, 120))
def test_no_line_is_wider_than_the_terminal_whatever_the_text(rows, width):
    table = [Column("a", is_elastic=True), Column("b", is_elastic=True)]
    for line in output.lines(table, rows, width=max(width, 26)):
        assert cell_len(line) <= max(width, 26)


def test_a_value_holds_until_the_next_and_a_hole_breaks_the_line():
    history = Steps([0, 10, 20, 30], [5.0, None, 7.0, 8.0])
    assert history.corners(40) == ([0, 10, 20, 30, 30, 40], [5, 5, 7, 7, 8, 8], [2])
    assert Steps([], []).corners(40) == ([], [], [])
    assert Steps([50], [1.0]).corners(40) == ([50, 50], [1, 1], [])


def test_a_history_cut_begins_with_what_held_then():
    history = Steps([0, 10, 20], [1.0, 2.0, 3.0])
    assert (history.since(15).moments, history.since(15).values) == ([15, 20], [2, 3])
    assert history.since(10) == Steps([10, 20], [2, 3])
    assert history.since(-1) == history


def test_ticks_span_the_whole():
    assert plot.ticks(0, 30, 4) == [0, 10, 20, 30]
    assert plot.ticks(5, 5, 4) == [5]


def test_what_a_spreadsheet_would_run_as_a_formula_is_kept_as_text(capsysbinary):
    output.as_csv(("title", "price"), [("=HYPERLINK()", -5), ("@a", 1.5), ("plain - title", None)])
    assert capsysbinary.readouterr().out == b"title,price\r\n'=HYPERLINK(),-5\r\n'@a,1.5\r\nplain - title,\r\n"


@dataclass
class Item:
    at: datetime
    number: int


class Listed(output.Output, frozen=True, kw_only=True):
    of: str
    items: tuple[Item, ...]


@pytest.mark.parametrize("count", [0, 1, 2_500])
def test_a_long_list_is_one_json_object_however_many_items_come(capsysbinary, count):
    output.as_json_list(Listed(of="x", items=()), (Item(datetime(2026, 1, 1, tzinfo=UTC), n) for n in range(count)))
    found = json.loads(capsysbinary.readouterr().out)
    items = [{"at": "2026-01-01T00:00:00Z", "number": n} for n in range(count)]
    assert found == {"format": 1, "of": "x", "items": items}


@pytest.mark.parametrize("count", [0, 1, 2_500])
def test_lines_of_csv_get_a_heading_and_the_line_ends_of_csv(capsysbinary, count):
    output.as_csv_lines(("a", "b"), (b'%d,"x\ny"\n' % n for n in range(count)))
    assert capsysbinary.readouterr().out == b"a,b\r\n" + b"".join(b'%d,"x\ny"\r\n' % n for n in range(count))


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (999, "999 B"), (1_000, "1 kB"), (1_500_000, "1.5 MB"), (2e9, "2.0 GB"), (5e15, "5000.0 TB")],
)
def test_bytes_are_told_in_the_unit_of_a_few_digits(count, words):
    assert plain_text.size(count) == words


def test_a_cell_leads_to_its_page_where_the_terminal_can_do_that():
    columns = [Column("ASIN"), Column("title", is_elastic=True)]
    rows = [[output.Linked("B08N5WRWNW", "https://www.amazon.de/dp/B08N5WRWNW"), "a"], [output.Linked("X", None), "b"]]
    plain = output.lines(columns, rows, width=30)
    linked = output.lines(columns, rows, width=30, has_links=True)
    link = "\x1b]8;;https://www.amazon.de/dp/B08N5WRWNW\x1b\\B08N5WRWNW\x1b]8;;\x1b\\"
    assert [plain[0], plain[1].replace("B08N5WRWNW", link), plain[2]] == linked

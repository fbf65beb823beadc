"""Lists of ASINs: what is read, and each fault with its line."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.keepa import asin_list
from tasks.keepa.asin_list import LineFault, parse

ASINS = st.from_regex(r"[0-9A-Z]{10}", fullmatch=True)
A, B, C = "B000000001", "B000000002", "080442957X"


def plain(text):
    return parse(text.encode(), is_csv=False)


def table(text):
    return parse(text.encode(), is_csv=True)


def test_a_list_has_an_asin_a_line_comments_and_what_holds_for_all_of_it():
    found = plain(
        f"# toys\n# refresh: 12h\n#domain=de\n# detail: stats+rating\n\n{A}\n  {B.lower()}  # the small one\r\n{A}\n"
    )
    assert (found.asins, found.repeated, found.faults) == ([A, B], 1, [])
    assert (found.domain, found.refresh, found.detail) == (3, timedelta(hours=12), "stats+rating")


def test_of_a_table_the_column_asin_is_read_wherever_it_stands():
    found = table(f'# refresh: 7d\nname;ASIN;price\n"a; b";{A};1\n;{C};\n;;\n')
    assert (found.asins, found.refresh, found.faults) == ([A, C], timedelta(days=7), [])


def test_a_cell_over_two_lines_does_not_move_the_numbers_of_the_lines():
    found = table(f'asin,note\n{A},"one\ntwo"\nwrong,\n')
    assert found.asins == [A]
    assert [fault.line for fault in found.faults] == [4]


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        (f"{A}\n80442957X\n", 2, "a spreadsheet may have removed the zeros"),
        (f"{A}\n\n4006381333931\n", 3, "barcode"),
        ("https://www.amazon.de/dp/B000000001\n", 1, "behind /dp/"),
        ("nothing", 1, "ten digits and letters"),
        (f"# domain: mars\n{A}\n", 1, "is no locale"),
        (f"# refresh: soon\n{A}\n", 1, "length of time"),
        (f"# refresh: 5s\n{A}\n", 1, "less than a minute"),
        (f"# detail: all\n{A}\n", 1, "expected"),
        ("# only a comment\n", 1, "the list is empty"),
        ("", 1, "the list is empty"),
    ],
)
def test_a_fault_names_its_line_and_what_to_do(text, line, why):
    (fault,) = plain(text).faults
    assert fault.line == line
    assert why in fault.why


def test_a_table_without_the_column_or_with_short_lines_says_so():
    (fault,) = table("name,price\na,1\n").faults
    assert "no column is called asin" in fault.why
    assert [fault.line for fault in table(f"name,asin\nx\ny,{A}\n").faults] == [2]


def test_all_faults_are_found_at_once():
    found = plain(f"x\n{A}\ny\n# domain: z\n")
    assert [fault.line for fault in found.faults] == [1, 3, 4]


def test_what_is_no_utf_8_is_told_with_its_line_and_a_mark_in_front_is_left_out():
    assert parse(f"\ufeff{A}\n".encode(), is_csv=False).asins == [A]
    (fault,) = parse(f"{A}\n\xe9\n".encode("latin-1"), is_csv=False).faults
    assert fault == LineFault(2, "this is not UTF-8; save the file as plain text in UTF-8")


@given(st.lists(ASINS), st.sampled_from(["\n", "\r\n"]))
def test_every_asin_is_read_once_in_its_order_plain_and_as_a_table(asins, end):
    once = list(dict.fromkeys(asins))
    found = plain(end.join(asins))
    assert found.asins == once
    assert found.repeated == len(asins) - len(once)
    assert not (asins and found.faults)
    assert table(end.join(["a,asin,b", *(f"1,{asin},2" for asin in asins)])).asins == once


@given(st.binary() | st.text().map(str.encode), st.booleans())
def test_any_bytes_make_a_list_or_faults_with_a_line_of_the_file(data, is_csv):
    found = parse(data, is_csv=is_csv)
    assert found.asins or found.faults
    assert all(asin_list.is_asin(asin) for asin in found.asins)
    assert all(1 <= fault.line <= data.decode(errors="replace").count("\n") + len(data) + 1 for fault in found.faults)

"""A setting that `init` writes is read as it was written, and every other line stays as it is."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.cli.setup.env_lines import with_value
from supervisor.config.files import env_file

KEY = "KEEPA_API_KEY"
values = st.text(st.sampled_from(string.ascii_letters + string.digits + "'\"\\$#= {}%!-é"), min_size=1).map(str.strip)
other_lines = st.lists(
    st.sampled_from(
        ["# a comment", "", "LOG_LEVEL=debug", "export STATE_DIR='a b'", "KEEPA_DOMAINS=1,3 # two", f"#{KEY}=old"]
    )
)
our_lines = st.lists(st.sampled_from([f"{KEY}=old", f"export {KEY}='older'", f"{KEY}="]), max_size=2)


@given(before=other_lines, ours=our_lines, after=other_lines, value=values, ends=st.booleans())
def test_the_value_is_read_as_it_was_given_and_no_other_line_changes(before, ours, after, value, ends):
    text = "\n".join([*before, *ours, *after]) + ("\n" if ends else "")
    written = with_value(text, KEY, value)
    read = env_file.parse(written)
    assert read.values[KEY] == value
    assert read.faults == ()
    assert KEY not in read.repeated
    assert {name: found for name, found in read.values.items() if name != KEY} == {
        name: found for name, found in env_file.parse(text).values.items() if name != KEY
    }
    kept = [line for line in written.split("\n") if line and line in (*before, *after)]
    assert kept == [line for line in (*before, *after) if line]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("", "KEEPA_API_KEY=abc\n"),
        ("LOG_LEVEL=info", "LOG_LEVEL=info\nKEEPA_API_KEY=abc\n"),
        ("KEEPA_API_KEY=\nLOG_LEVEL=info\n", "KEEPA_API_KEY=abc\nLOG_LEVEL=info\n"),
        ("KEEPA_API_KEY=a\nLOG_LEVEL=info\nKEEPA_API_KEY=b\n", "KEEPA_API_KEY=abc\nLOG_LEVEL=info\n"),
    ],
)
def test_it_takes_the_place_of_the_first_line_or_the_last(text, written):
    assert with_value(text, KEY, "abc") == written

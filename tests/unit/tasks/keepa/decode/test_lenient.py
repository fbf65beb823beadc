"""An escaped NUL is found in any bytes, however many other backslashes stand before it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.keepa.decode import lenient

PIECES = st.sampled_from([b"\\", b"\\u", b"\\u0000", b"\\u000", b"u0000", b"0", b"x"])


@given(st.lists(PIECES, max_size=12).map(b"".join))
def test_a_nul_is_found_wherever_it_is(raw):
    assert lenient.has_nul(raw) == (b"\\u0000" in raw)


@pytest.mark.parametrize("count", [999, 1_000, 1_001, 5_000])
@pytest.mark.parametrize("tail", [b"", b"\\u0000", b"\\u0000x", b"x"])
def test_a_nul_is_found_behind_many_other_escapes(count, tail):
    assert lenient.has_nul(b"\\n" * count + tail) == (b"\\u0000" in tail)

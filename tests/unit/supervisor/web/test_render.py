"""Numbers and parts as the templates write them."""

import pytest

from supervisor.web.render import number, share


@pytest.mark.parametrize(
    ("percent", "told"),
    [
        (0, "0 %"),
        (0.004, "under 1 %"),
        (1, "1 %"),
        (93.4, "93 %"),
        (99, "99 %"),
        (99.6, "over 99 %"),
        (99.999, "over 99 %"),
        (100, "100 %"),
    ],
)
def test_neither_nothing_nor_all_is_said_unless_it_is_so(percent, told):
    assert share(percent) == told


def test_a_number_that_is_not_known_is_a_dash():
    assert [number(one) for one in (None, 0, 1234, 1234.5)] == ["\N{EN DASH}", "0", "1,234", "1,234.5"]

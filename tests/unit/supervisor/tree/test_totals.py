"""What all workers did together: sums, and rows a minute."""

from types import SimpleNamespace

import pytest

from supervisor.tree.totals import Totals

S = 10**9


def test_rows_a_minute_are_those_of_the_last_minute():
    beat = SimpleNamespace(rows={"deals": 0})
    totals = Totals(lambda: [SimpleNamespace(beat=beat)])

    def after(rows, now_ns):
        beat.rows = {"deals": rows}
        return totals.rows_per_minute(now_ns)

    assert after(0, 0) == {"deals": 0.0}
    assert after(30, 10 * S) == {"deals": 30.0}
    assert after(60, 70 * S)["deals"] == pytest.approx(30.0)
    assert after(60, 200 * S)["deals"] == 0.0

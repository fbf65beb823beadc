"""The settings of a simulator: each that is out of range is named, with its range."""

from __future__ import annotations

import pytest

from tasks.errors import ConfigError
from tasks.simulator.config import SimulatorConfig

OUT_OF_RANGE = [
    ("port", (-1, 65_536), "--port must be from 0 to 65535"),
    ("rate", (0,), "--rate must be above 0"),
    ("tick_s", (0.0,), "--tick-s must be above 0"),
    ("tick_jitter_s", (-0.1,), "--tick-jitter-s must be 0 or more"),
    ("capacity_ticks", (0,), "--capacity-ticks must be above 0"),
    ("phase_s", (-1.0,), "--phase-s must be 0 or more"),
    ("latency_s", (-0.1,), "--latency-s must be 0 or more"),
    ("latency_per_asin_s", (-0.1,), "--latency-per-asin-s must be 0 or more"),
    ("deals", (0,), "--deals must be above 0"),
    ("slots", (33, 35), "--slots must be 34 or 36"),
    ("duplicates", (-0.1, 1.1), "--duplicates must be from 0 to 1"),
    ("closed_share", (-0.1, 1.1), "--closed-share must be from 0 to 1"),
    ("hang_s", (-1.0,), "--hang-s must be 0 or more"),
]


@pytest.mark.parametrize(("name", "values", "words"), OUT_OF_RANGE)
def test_a_value_out_of_range_is_named_with_its_range(name, values, words):
    for value in values:
        with pytest.raises(ConfigError) as caught:
            SimulatorConfig(**{name: value})
        assert str(caught.value) == f"simulator: {words}"


def test_all_of_them_are_named_at_once():
    with pytest.raises(ConfigError) as caught:
        SimulatorConfig(rate=0, hang_s=-1)
    assert str(caught.value) == "simulator: --rate must be above 0, --hang-s must be 0 or more"

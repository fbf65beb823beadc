"""The dump in words: what is due at this moment is due now, and never `in now`."""

from __future__ import annotations

import pytest

from ledger import dump


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "now"), (-3.0, "now"), (2.0, "in 2 s"), (192.0, "in 3 min 12 s"), (None, "in ?")]
)
def test_when_something_will_be_is_a_phrase(seconds, said):
    assert dump.within(seconds) == said

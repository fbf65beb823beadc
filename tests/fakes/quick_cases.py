"""Which of many cases of one test run with every `make test`; the others run with `make test-kill`."""

from __future__ import annotations

import pytest


def cases(given, often):
    """The parameters of `given`, a mapping from a case's name to its arguments; those not in `often` run seldom."""
    assert set(often) <= set(given), set(often) - set(given)
    return [
        pytest.param(
            *(args if isinstance(args, tuple) else (args,)), id=name, marks=() if name in often else pytest.mark.kill
        )
        for name, args in given.items()
    ]

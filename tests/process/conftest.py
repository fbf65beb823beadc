"""A supervisor's tree over scripted children."""

from __future__ import annotations

import pytest

from tests.fakes.program.worker_family import Family


@pytest.fixture
def family():
    one = Family()
    yield one
    one.close()

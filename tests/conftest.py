"""What all tests share."""

from pathlib import Path

import pytest

pytest_plugins = ["tests.fixtures_pg", "tests.fixtures_jobs", "tests.fixtures_town", "tests.fixtures_market"]


@pytest.fixture(scope="session")
def recorded():
    """The folder of bodies a real server sent; tests that need it skip where it is not."""
    folder = Path(__file__).resolve().parent.parent.parent / "shared" / "keepa" / "recorded"
    if not folder.is_dir():
        pytest.skip(f"no recorded bodies at {folder}")
    return folder

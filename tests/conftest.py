"""What all tests share."""

pytest_plugins = [
    "tests.fixtures_pg",
    "tests.fixtures_jobs",
    "tests.fixtures_recorded",
    "tests.fixtures_town",
    "tests.fixtures_market",
]

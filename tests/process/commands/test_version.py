"""`--version` says what a report of a fault needs, whatever the settings are."""

import re

import pytest

from tasks.store import migrate
from tests.fakes.program.cli_program import Program


@pytest.mark.parametrize(
    ("settings", "programs"),
    [
        ({}, "18, embedded"),
        ({"BACKFILL_FLOOR": "many"}, "18, embedded"),
        (
            {"POSTGRES_BIN_DIR": "/nowhere"},
            "(not known: the settings cannot be used, and `sluicegate doctor` says why)",
        ),
    ],
)
def test_the_version_of_everything_is_told(tmp_path, settings, programs):
    done = Program(tmp_path, **settings).command("--version")
    assert done.returncode == 0
    ours, python, postgres, schema = done.stdout.splitlines()
    assert re.fullmatch(r"sluicegate \d+\.\d+\.\d+", ours)
    assert python.startswith("Python 3.")
    assert postgres == f"PostgreSQL {programs}"
    assert schema == f"schema {migrate.bundled_migrations()[-1].number} ({migrate.bundled_migrations()[-1].name})"

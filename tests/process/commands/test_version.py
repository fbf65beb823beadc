"""`--version` says what a report of a fault needs, whatever the settings are."""

import re

import pytest

from tasks.store import migrate
from tests.fakes.program.cli_program import Program


@pytest.mark.parametrize("broken", [{}, {"BACKFILL_FLOOR": "many"}])
def test_the_version_of_everything_is_told(tmp_path, broken):
    done = Program(tmp_path, **broken).command("--version")
    assert done.returncode == 0
    ours, python, postgres, schema = done.stdout.splitlines()
    assert re.fullmatch(r"sluicegate \d+\.\d+\.\d+", ours)
    assert python.startswith("Python 3.")
    assert postgres == (
        "PostgreSQL 18, embedded"
        if not broken
        else "PostgreSQL (not known: the settings cannot be used, and `sluicegate doctor` says why)"
    )
    assert schema == f"schema {migrate.bundled_migrations()[-1].number} ({migrate.bundled_migrations()[-1].name})"

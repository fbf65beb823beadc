"""A program whose database has been made, for tests of a run from its start to its end."""

from __future__ import annotations

import pytest

from tests.fakes.program.cli_program import Program


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """A state directory whose database has been made: later starts take a fraction of the time."""
    folder = tmp_path_factory.mktemp("home")
    program = Program(folder).start()
    program.until_working()
    assert program.stop() == 0, program.tail()
    return folder


@pytest.fixture
def program(home):
    (home / "log").unlink(missing_ok=True)
    one = Program(home)
    yield one
    one.kill()

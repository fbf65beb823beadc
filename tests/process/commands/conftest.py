"""Commands about selections in an empty folder, and a server whose market stands still."""

from __future__ import annotations

import pytest

from ledger import ManualClock
from supervisor.cli import commands
from tasks.simulator.config import SimulatorConfig
from tasks.simulator.server import SimulatorServer
from tests.fakes.program import output_schemas
from tests.fixtures.server import START_MS


@pytest.fixture
def here(tmp_path, monkeypatch, capsys):
    """A function that runs a command in an empty folder; its exit code, its output and its errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "state"))
    for name in ("SELECTIONS", "DATABASE_URL", "KEEPA_API_KEY", "KEEPA_BASE_URL"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments, **settings):
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        code = commands.dispatch(arguments)
        said = capsys.readouterr()
        output_schemas.hold(arguments, said.out)
        return code, said.out, said.err

    return run


@pytest.fixture
def shop():
    """A server whose market stands still, so that what it has can be counted afterwards."""
    config = SimulatorConfig(rate=10_000, deals=700, clock=ManualClock(10**15), start_unix_ms=START_MS)
    with SimulatorServer(config) as server:
        yield server

"""The unit of a user says what the one for a whole machine says of starts and ends."""

from pathlib import Path

import pytest

from supervisor.cli.setup import user_unit

WHOLE = (Path(__file__).parents[5] / "deploy" / "sluicegate.service").read_text().splitlines()
SAME = (
    "Type", "ExecReload", "UMask", "TimeoutStartSec", "WatchdogSec", "KillMode", "TimeoutStopSec", "Restart",
    "RestartSec", "RestartPreventExitStatus", "SuccessExitStatus", "OOMPolicy", "StartLimitIntervalSec", "Description",
)  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_what_ends_and_restarts_it_is_as_for_a_machine(name):
    unit = user_unit.text(program="/opt/bin/sluicegate", folder=Path("/home/me"))
    lines = [line for line in unit.splitlines() if line.startswith(f"{name}=")]
    assert lines == [line for line in WHOLE if line.startswith(f"{name}=")] != []


def test_odd_names_are_written_as_systemd_reads_them():
    unit = user_unit.text(program='/opt/a "b" $c 100%/sluicegate', folder=Path("/home/me 100%"))
    assert 'ExecStart="/opt/a \\"b\\" $$c 100%%/sluicegate" run\n' in unit
    assert "WorkingDirectory=/home/me 100%%\n" in unit


def test_its_place_is_where_systemd_looks():
    home = Path("/home/me")
    assert user_unit.place({}, home) == Path("/home/me/.config/systemd/user/sluicegate.service")
    assert user_unit.place({"XDG_CONFIG_HOME": "/else"}, home) == Path("/else/systemd/user/sluicegate.service")

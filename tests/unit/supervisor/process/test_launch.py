"""What the command of a child says."""

from supervisor.config.settings import load_settings
from supervisor.process.launch import SimulatorLaunch


def test_the_simulator_has_as_many_deals_as_the_settings_say():
    settings = load_settings({"SIMULATOR_DEALS": "1234"}, dotenv=None)
    argv = SimulatorLaunch(settings=settings).argv(7, 8)
    assert argv[argv.index("--deals") + 1] == "1234"

"""What all tests share."""

import gc
import os
import signal
import sys

import pytest
from hypothesis import HealthCheck, settings

from tasks.runtime import crash_stacks

# What was loaded is kept for the next one that loads it, whatever the machine is set to: rewriting the assertions of
# all tests takes 12 s of CPU, and each process that runs tests needs it. Before any of them is loaded.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

pytest_plugins = [
    "tests.fixtures.database.postgres",
    "tests.fixtures.jobs",
    "tests.fixtures.ledger.ledgers",
    "tests.fixtures.database.pooler",
    "tests.fixtures.recorded",
    "tests.fixtures.spoiler",
    "tests.fixtures_tls",
    "tests.fixtures.server",
    "tests.fixtures.keys",
    "tests.fixtures.market",
    "tests.fixtures.site",
    "tests.fixtures.disk",
    "tests.fixtures.wheel",
]

# A slow machine makes no example wrong; CI looks at the same examples each time, and a failure tells how to repeat it.
settings.register_profile(
    "sluicegate",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
    derandomize=bool(os.environ.get("CI")),
)
settings.load_profile("sluicegate")

# A shell without job control starts what it puts in the background deaf to Ctrl-C, and every program of a test with it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What runs the tests prints the stacks of a crash as well, and some tests send it signals by the thousand.
crash_stacks.enable()


# A virtual day or a hundred kills take minutes on a quiet machine, and several times as long on a busy one.
LONG_LIMIT_S = 2_400


def pytest_collection_modifyitems(items):
    """Each test that takes long has a limit that only a hang reaches, on the busiest machine too."""
    for item in items:
        if item.get_closest_marker("kill") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(LONG_LIMIT_S))


def pytest_collection_finish():
    """Take what is loaded and collected out of the collector's sight.

    It is hundreds of thousands of objects that stay until the end of the run: each full collection while a test runs
    would go through all of them, and would copy their pages in each child that was forked.
    """
    gc.collect()
    gc.freeze()

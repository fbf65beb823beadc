"""What all tests share."""

import signal

from tasks import crash_stacks

"""What all tests share."""

pytest_plugins = [
    "tests.fixtures_pg",
    "tests.fixtures_jobs",
    "tests.fixtures_recorded",
    "tests.fixtures_spoiler",
    "tests.fixtures_town",
    "tests.fixtures_market",
]

# A shell without job control starts what it puts in the background deaf to Ctrl-C, and every program of a test with it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What runs the tests prints the stacks of a crash as well, and some tests send it signals by the thousand.
crash_stacks.enable()

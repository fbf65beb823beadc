"""Waiting for what another process or thread does: for the event itself, with a limit that only a hang reaches.

A test never says how many seconds something takes: a loaded machine takes ten times as many. Where a time is what is
tested, the test makes the other outcome impossible (a deadline of an hour that may not be reached), or looks at what
was planned instead of when it was done.
"""

from __future__ import annotations

import threading
import time

LIMIT_S = 180.0  # a machine with ten times as much to do as it can needs a third of it


def wait_until(condition, what, at_least_s=LIMIT_S, explain=lambda: ""):
    """What `condition` gives, once it gives something; `what` and `explain` say what was waited for."""
    limit_s = max(at_least_s, LIMIT_S)
    ends = time.monotonic() + limit_s
    pause = threading.Event()
    while not (found := condition()):
        if time.monotonic() > ends:
            raise AssertionError(f"not within {limit_s:g} s: {what() if callable(what) else what}\n{explain()}")
        pause.wait(0.02)
    return found

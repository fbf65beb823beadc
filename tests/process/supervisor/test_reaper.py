"""Orphans that are given to process 1 are reaped quietly, and nobody else's dead are touched (checklist line 31)."""

from __future__ import annotations

import subprocess
import sys

from tests.fakes.program.cli_program import ROOT

# As a subreaper a process is given orphans without being process 1 of anything.
SCRIPT = """
import ctypes, os, subprocess, sys
from ledger import SystemClock
from supervisor.process import reaper
from supervisor.eventloop.loop import Loop, MonotonicClock

reaper.PAUSE_S = 0.1
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
ours = subprocess.Popen([sys.executable, "-c", ""])
for _ in range(20):
    subprocess.run(["sh", "-c", "sleep 0.05 & sleep 0.05 & exit 0"], check=True)
with Loop(MonotonicClock()) as loop:
    one = reaper.OrphanReaper(loop, lambda: {ours.pid})
    guard = loop.after(150, lambda: None)
    most = 0
    while loop.now_ns() < guard.at_ns:
        one.look()
        loop.step()
        zombies = reaper._zombies()
        most = max(most, len(zombies))
        if most > 1 and zombies == {ours.pid}:
            break
    steps = 0
    loop.after(0.5, loop.end)
    while not loop._ended:
        loop.step()
        steps += 1
print(most > 1, reaper._zombies() == {ours.pid}, ours.wait(), steps < 8)
"""


def test_line_31_orphans_are_reaped_and_what_is_ours_is_left_to_us():
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("True True 0 True\n", "")

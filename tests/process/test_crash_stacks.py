"""A crash prints its stacks, and a crowd of signals at one moment is no crash."""

from __future__ import annotations

import signal
import subprocess
import sys

from tests.fakes.program.cli_program import ROOT

# Every signal a program may handle, all pending at once and let in at one moment: they nest as deep as they can.
CROWD = """
import gc, os, signal, sys
from tasks.runtime import crash_stacks
crash_stacks.enable()
unheard = {signal.SIGKILL, signal.SIGSTOP, signal.SIGCONT}  # the last is taken back by a stop
crashes = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT}
ours = sorted(signal.valid_signals() - unheard - crashes)
heard = []
for number in ours:
    signal.signal(number, lambda got, _frame: heard.append(got))
for _ in range(200):
    signal.pthread_sigmask(signal.SIG_BLOCK, ours)
    for number in ours:
        os.kill(os.getpid(), number)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ours)
gc.collect()
assert set(heard) == set(ours), set(ours) - set(heard)
print("all is whole", len(ours))
"""
ABORT = """
import os
from tasks.runtime import crash_stacks
crash_stacks.enable()
def where_it_died(): os.abort()
where_it_died()
"""


def run(script):
    return subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)


def test_every_signal_there_is_may_come_at_the_same_moment():
    done = run(CROWD)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("all is whole")


def test_a_crash_still_prints_its_stacks():
    done = run(ABORT)
    assert done.returncode == -signal.SIGABRT
    assert "where_it_died" in done.stderr

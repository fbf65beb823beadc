"""A supervisor's tree over scripted children, run in the test's own process, and looked at from outside."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from supervisor.eventloop.loop import Loop, MonotonicClock
from supervisor.logs.log import Log, as_json
from supervisor.process.restart_policy import Cause, Policy
from supervisor.process.spec import Spec
from supervisor.tree.tree import ProcessTree
from tasks.redaction import Redactor
from tests.fakes.waiting import LIMIT_S

CHILD = Path(__file__).with_name("child.py")
QUICK = Policy(first_s=0.05, cap_s=0.4, period_s=3600)
# What a test does not shorten cannot be what ended its wait.
AN_HOUR = {"ready_s": 3600.0, "hang_s": 3600.0, "grace_s": 3600.0, "stop_s": 3600.0}


@dataclass(frozen=True, kw_only=True)
class Scripted:
    """Starts a scripted child."""

    role: str
    slot: int
    script: list
    python: str = sys.executable
    line: bytes = b"{}\n"
    env: dict = field(default_factory=lambda: {**os.environ, "PYTHONFAULTHANDLER": "1"})

    def argv(self, status_fd, lifeline_fd):
        pipes = ["--status-fd", str(status_fd), "--lifeline-fd", str(lifeline_fd)]
        return [
            self.python,
            str(CHILD),
            self.role,
            "--slot",
            str(self.slot),
            *pipes,
            "--script",
            json.dumps(self.script),
        ]

    def first_line(self):
        return self.line

    def environment(self):
        return self.env


class Family:
    """A tree, its loop, and everything it said."""

    def __init__(self, *, count_repeats=False, level="debug"):
        self.loop = Loop(MonotonicClock())
        self.lines: list[str] = []
        self.log = Log(self.lines.append, render=as_json, redactor=Redactor(), level=level)
        if count_repeats:
            self.log.count_repeats(self.loop)
        self.lost: tuple[int, str] | None = None
        self.is_at_rest = False
        self.ready: list[str] = []
        self.died: list[str] = []
        self.tree = ProcessTree(self.loop, self.log, self)

    def add(self, role, script, *, slot=0, line=b"{}\n", python=sys.executable, env=None, **limits):
        spec = Spec(role=role, slot=slot, **{"policy": QUICK, **AN_HOUR, **limits})
        launch = Scripted(role=role, slot=slot, script=script, line=line, python=python)
        if env is not None:
            launch = Scripted(role=role, slot=slot, script=script, line=line, python=python, env=env)
        return self.tree.add_worker(spec, launch)

    def child_ready(self, slot, _announcement):
        self.ready.append(slot.spec.name)

    def child_died(self, slot):
        self.died.append(slot.spec.name)

    def child_beat(self, slot):
        pass

    def changed(self):
        pass

    def workers_at_rest(self):
        self.is_at_rest = True

    def run_failed(self, code, reason):
        self.lost = self.lost or (code, reason)

    def until(self, condition, what="the condition"):
        """Run the loop until `condition` holds, looked at after each event and every 20 ms."""
        end = time.monotonic() + LIMIT_S
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"{what} did not come about; the log:\n" + "\n".join(self.lines[-40:]))
            look = self.loop.after(0.02, lambda: None)
            self.loop.step()
            look.cancel()

    def run_for(self, seconds):
        """Run the loop for some time: only to see that nothing happens in it."""
        end = time.monotonic() + seconds
        self.loop.after(seconds, lambda: None)
        while time.monotonic() < end:
            self.loop.step()

    def records(self, event):
        return [record for record in map(json.loads, self.lines) if record["event"] == event]

    def deaths(self):
        return [record for record in self.tree.deaths if record.cause != Cause.STOPPED.value]

    def close(self):
        """Stop everything; nothing may be left."""
        self.tree.kill_workers()
        self.until(lambda: self.is_at_rest, "rest after the test")
        self.loop.close()

"""A child that obeys a script: `child.py ROLE --slot N --status-fd A --lifeline-fd B --script JSON`.

The script is a list of steps, each the name of a method of `Child` and its arguments, done in order; at its end the
child waits for ever. It dies with its parent as a worker does: when the lifeline ends.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

READY_ONCE_STOPPED = """
import os, signal, sys
from pathlib import Path
pid, status_fd = map(int, sys.argv[1:])
os.kill(pid, signal.SIGSTOP)
while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
    pass
os.write(status_fd, b'{"event": "ready", "pid": %d}\\n' % pid)
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("role")
    parser.add_argument("--slot", type=int)
    parser.add_argument("--status-fd", type=int)
    parser.add_argument("--lifeline-fd", type=int)
    parser.add_argument("--script", default="[]")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    child = Child(options)
    for name, *arguments in json.loads(options.script):
        getattr(child, name)(*arguments)
    child.hang()


class Child:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.progress = 0
        self.settings = b""
        while not self.settings.endswith(b"\n"):
            self.settings += os.read(options.lifeline_fd, 1)
        self.orphaned = threading.Event()
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self) -> None:
        while os.read(self.options.lifeline_fd, 4096):
            pass
        self.orphaned.set()
        os._exit(75)

    def _say(self, message: dict[str, object]) -> None:
        self.status(json.dumps(message) + "\n")

    def status(self, text: str) -> None:
        os.write(self.options.status_fd, text.encode())

    def ready(self) -> None:
        self._say({"event": "ready", "pid": os.getpid()})

    def beat(self, fields: dict[str, object] | None = None) -> None:
        self.progress += 1
        self._say({"event": "beat", "phase": "calling", "progress": self.progress, **(fields or {})})

    def promise(self, phase: str, seconds: float) -> None:
        """Say that a wait ends in `seconds` at the latest."""
        until_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME) + round(seconds * 1e9)
        self.beat({"phase": phase, "until_ns": until_ns})

    def beat_for_ever(self, every_s: float) -> None:
        """Beats, the same each time: a loop that goes round without getting anywhere."""
        while True:
            self._say({"event": "beat", "phase": "calling", "progress": self.progress})
            self.wait(every_s)

    def work_for_ever(self, every_s: float) -> None:
        """Beats that tell progress."""
        while True:
            self.beat()
            self.wait(every_s)

    def until_there(self, path: str) -> None:
        """Go on once there is this file."""
        while not Path(path).exists():
            self.wait(0.01)

    def wait(self, seconds: float) -> None:
        """Go on after so long, unless the lifeline ends before."""
        self.orphaned.wait(seconds)

    def exit(self, code: int) -> None:
        os._exit(code)

    def write(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()

    def flood(self, lines: int) -> None:
        sys.stderr.write("".join(f"flood {number}\n" for number in range(lines)))
        sys.stderr.flush()

    def fill(self, characters: int, lines: int) -> None:
        """Records of one letter, the child's own, so that a mixed line would show."""
        letter = chr(ord("a") + self.options.slot)
        for number in range(lines):
            record = {"event": "filled", "level": "info", "n": f"number {number}", "text": letter * characters}
            sys.stderr.write(json.dumps(record) + "\n")
            sys.stderr.flush()

    def ignore_term(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def exit_on_term(self, code: int) -> None:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(code))

    def hang(self) -> None:
        while True:
            signal.pause()

    def stop_self(self) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)

    def ready_once_stopped(self) -> None:
        """Stop, and have it said then that this process is ready."""
        told = [str(os.getpid()), str(self.options.status_fd)]
        subprocess.Popen([sys.executable, "-c", READY_ONCE_STOPPED, *told], pass_fds=[self.options.status_fd])
        self.hang()

    def stop_self_with_lock(self, path: str) -> None:
        """Stop in the middle of a change of the ledger at `path`."""
        sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
        from ledger import TokenLedger

        self.ledger = TokenLedger.attach(path)
        self.ledger._home.region.begin()
        self.stop_self()

    def kill_self(self, number: int) -> None:
        signal.signal(number, signal.SIG_DFL) if number != signal.SIGKILL else None
        os.kill(os.getpid(), number)

    def crash(self) -> None:
        """As a C library does: by reading where nothing is."""
        ctypes.string_at(0)

    def grandchild(self, path: str) -> None:
        """A process of its own that keeps the output pipe open; its pid goes to `path`."""
        process = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
        Path(path).write_text(str(process.pid))

    def fail_first(self, path: str, times: int, code: int) -> None:
        """Exit with `code` the first `times` times, counted in the file `path`."""
        with Path(path).open("a+") as file:
            file.write("x")
            file.flush()
            started = file.tell()
        if started <= times:
            os._exit(code)

    def inventory(self, path: str) -> None:
        """What this process was given, as JSON to `path`."""
        links = {}
        for link in Path("/proc/self/fd").iterdir():
            if link.is_symlink():
                links[link.name] = str(link.readlink())
        found = {
            "open": links,
            "pipes": [self.options.status_fd, self.options.lifeline_fd],
            "environment": dict(os.environ),
            "ignored": [number for number in range(1, 32) if signal.getsignal(number) == signal.SIG_IGN],
            "session": os.getsid(0) == os.getpid(),
            "settings": self.settings.decode(),
        }
        fresh = Path(path + ".new")
        fresh.write_text(json.dumps(found))
        fresh.rename(path)


if __name__ == "__main__":
    main()

"""A machine in namespaces of this one: network, processes and clock of the boot of its own, and a link to be cut."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path

DAY_S = 86_400
NEEDED = ("ip", "unshare")


def _ip(*words):
    command = ["ip", *map(str, words)]
    subprocess.run(command, check=True, capture_output=True)


@functools.cache
def why_not():
    """Why no such machine can be made here; empty where one can."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        return f"no {' and no '.join(missing)}"
    name = f"sg{os.getpid()}try"
    try:
        _ip("netns", "add", name)
        _ip("link", "add", f"{name}0", "type", "veth", "peer", "name", f"{name}1")
        _ip("link", "del", f"{name}0")
        subprocess.run([*_inside(name, 0), "true"], check=True, capture_output=True)
    except subprocess.CalledProcessError as error:
        return f"{' '.join(error.cmd)}: {error.stderr.decode().strip()}"
    finally:
        with suppress(subprocess.CalledProcessError):
            _ip("netns", "del", name)
    return ""


def _inside(name, ahead_s):
    unshare = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--time", "--boottime", str(ahead_s)]
    return ["ip", "netns", "exec", name, *unshare]


def _net():
    pid = os.getpid()  # two runs of the tests beside each other have other networks
    return f"10.{100 + pid // 250 % 100}.{pid % 250}"


@contextmanager
def address_for_all():
    """An address of this machine that all of them reach, each over its own link."""
    address = f"{_net()}.254"
    _ip("addr", "add", f"{address}/32", "dev", "lo")
    try:
        yield address
    finally:
        _ip("addr", "del", f"{address}/32", "dev", "lo")


class Machine:
    """One of them. What runs there has `address`, and reaches this machine at `gateway`.

    Its clock of the boot is `number` days ahead.
    """

    def __init__(self, number):
        self._name, self._here, there = f"sg{os.getpid()}m{number}", f"sg{os.getpid()}h{number}", f"sg{os.getpid()}t"
        self.gateway, self.address = (f"{_net()}.{4 * number + end}" for end in (1, 2))
        self._unheard = set()
        self.inside = _inside(self._name, number * DAY_S)
        _ip("netns", "add", self._name)
        _ip("link", "add", self._here, "type", "veth", "peer", "name", there)
        _ip("link", "set", there, "netns", self._name)
        _ip("addr", "add", f"{self.gateway}/30", "dev", self._here)
        _ip("link", "set", self._here, "up")
        _ip("-n", self._name, "addr", "add", f"{self.address}/30", "dev", there)
        for device in ("lo", there):
            _ip("-n", self._name, "link", "set", device, "up")
        _ip("-n", self._name, "route", "add", "default", "via", self.gateway)

    def cut(self):
        """Let nothing through, and say so to nobody."""
        _ip("link", "set", self._here, "down")

    def mend(self):
        _ip("link", "set", self._here, "up")

    def cut_from(self, address):
        """Let nothing through that comes from this address of this machine, and say so to nobody."""
        if address not in self._unheard:
            self._unheard.add(address)
            _ip("rule", "add", "from", address, "to", self.address, "blackhole")

    def mend_from(self, address):
        if address in self._unheard:
            self._unheard.remove(address)
            _ip("rule", "del", "from", address, "to", self.address, "blackhole")

    def close(self):
        for address in list(self._unheard):
            self.mend_from(address)
        with suppress(subprocess.CalledProcessError):
            _ip("link", "del", self._here)
        _ip("netns", "del", self._name)


def child_of(pid):
    """The process that a program which only changes namespaces has started there; None before it has."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(children[0]) if children else None


def inner_pid(pid):
    """The number of the process in its own namespace."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("NSpid:")).split()[-1])

"""Becomes a program under what `deploy/sluicegate.service` forbids, as far as a process can forbid it itself.

`hardened.py UNIT COMMAND...`: no new privileges, no writable memory that is executable, no system call and no kind of
socket outside the lists, no name space, the unit's umask; root becomes `nobody`, without a capability, in a name space
of its own. systemd itself says what its lists hold.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tasks.embedded_postgres import run_as

PR_SET_NO_NEW_PRIVS, PR_SET_MDWE = 38, 65  # linux/prctl.h
REFUSE_EXEC_GAIN = 1
ALLOW, REFUSE, NOT_THERE = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS  # seccomp.h
EQUAL, MASKED_EQUAL = 4, 7
NEW_NAMESPACES = 0x7E020080  # CLONE_NEW*, linux/sched.h
UNSHARED = ("unshare", "clone")


class Condition(ctypes.Structure):
    """`struct scmp_arg_cmp`."""

    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


def main():
    unit, *command = sys.argv[1:]
    wanted = directives(Path(unit).read_text(encoding="utf-8"))
    libc = ctypes.CDLL(None, use_errno=True)
    allowed = calls(wanted["SystemCallFilter"])
    os.umask(int(wanted["UMask"][0], 8))
    if os.geteuid() == 0:
        run_as.enter(run_as.choose(0, 0))
    if wanted["NoNewPrivileges"] == ["yes"]:
        check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    if wanted["MemoryDenyWriteExecute"] == ["yes"]:
        libc.prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0)  # an old kernel does not know it
    families = [int(getattr(socket, name)) for name in " ".join(wanted["RestrictAddressFamilies"]).split()]
    load(allowed, families, names_spaces=wanted["RestrictNamespaces"] != ["yes"])
    os.execv(command[0], command)  # noqa: S606 - becoming the program is the purpose


def directives(text):
    """What each directive is set to, in order."""
    found = defaultdict(list)
    for line in text.splitlines():
        name, is_set, value = line.partition("=")
        if is_set and not line.startswith("#"):
            found[name].append(value)
    return found


def calls(filters):
    """The names of the system calls that the filters leave, as systemd reads them."""
    told = subprocess.run(["systemd-analyze", "syscall-filter"], capture_output=True, text=True, check=True).stdout  # noqa: S607
    groups, name = {}, ""
    for line in told.splitlines():
        word = line.strip()
        if line.startswith("@"):
            groups[name := word] = []
        elif name and word and not word.startswith("#"):
            groups[name].append(word)

    def spread(word):
        return {one for part in groups[word] for one in spread(part)} if word.startswith("@") else {word}

    left = spread("@default")
    for one in filters:
        named = {call for word in one.lstrip("~").split() for call in spread(word)}
        left = left - named if one.startswith("~") else left | named
    return left


def load(allowed, families, *, names_spaces):
    """Allow these calls and these families of sockets, and nothing else, here and in every child."""
    seccomp = ctypes.CDLL("libseccomp.so.2")
    seccomp.seccomp_init.restype = ctypes.c_void_p
    filters = ctypes.c_void_p(seccomp.seccomp_init(ctypes.c_uint32(REFUSE)))

    def allow(name, *conditions, what=ALLOW):
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:  # systemd knows calls of other machines, too
            array = (Condition * len(conditions))(*conditions)
            check(seccomp.seccomp_rule_add_array(filters, ctypes.c_uint32(what), number, len(conditions), array))

    for name in sorted(allowed - {"socket", *(() if names_spaces else (*UNSHARED, "setns", "clone3"))}):
        allow(name)
    for family in families:
        allow("socket", Condition(0, EQUAL, family, 0))
    if not names_spaces:
        for name in UNSHARED:
            allow(name, Condition(0, MASKED_EQUAL, NEW_NAMESPACES, 0))
        # Its flags lie in memory, where a filter cannot look: as systemd does, make the C library fall back to `clone`.
        allow("clone3", what=NOT_THERE)
    check(seccomp.seccomp_load(filters))


def check(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), f"refused: {result}")


if __name__ == "__main__":
    main()

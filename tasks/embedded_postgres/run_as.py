"""Which user a PostgreSQL program runs as: it refuses root, and `initdb` refuses a user without a name.

The rule is to run as the owner of the home directory. When that is root, or a user without an entry in the
password file, the program enters a user namespace in which its user is called `nobody`: files keep their owner,
and no user is made, no directory chowned or opened for others. Where namespaces are forbidden, root becomes a
real user instead. Standard library only, and run in a fresh child: `enter` changes the process for good.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

EXIT_NO_NAMESPACE: Final = 69
EXIT_NO_ACCESS: Final = 68
_CLONE_NEWUSER: Final = 0x10000000  # linux/sched.h
_FALLBACK_USERS: Final = ("postgres", "nobody")


class Way(StrEnum):
    """How a program gets its identity."""

    AS_IS = "as-is"
    NAMESPACE = "namespace"  # be uid:gid inside a user namespace, and stay the same user outside
    BECOME = "become"  # root gives up its rights


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAs:
    """The way, and the user and group ids it leads to."""

    way: Way
    uid: int
    gid: int

    def __str__(self) -> str:
        return f"{self.way}:{self.uid}:{self.gid}"

    @classmethod
    def parse(cls, text: str) -> RunAs:
        """The identity that `str` wrote.

        Raises:
            ValueError: `text` is no identity.
        """
        way, uid, gid = text.split(":")
        return cls(way=Way(way), uid=int(uid), gid=int(gid))


def choose(owner_uid: int, owner_gid: int) -> RunAs | None:
    """The identity that fits files of `owner_uid`; None when this process cannot have it."""
    uid = os.geteuid()
    if uid not in (0, owner_uid):
        return None
    if uid != owner_uid:
        return RunAs(way=Way.BECOME, uid=owner_uid, gid=owner_gid)
    if uid != 0 and _entry(uid) is not None:
        return RunAs(way=Way.AS_IS, uid=uid, gid=os.getegid())
    named = _named_user()
    return named if named is None else RunAs(way=Way.NAMESPACE, uid=named.pw_uid, gid=named.pw_gid)


def fallback() -> RunAs | None:
    """The user that root can become where namespaces are forbidden; None when there is none or we are not root."""
    if os.geteuid() != 0:
        return None
    for name in _FALLBACK_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return RunAs(way=Way.BECOME, uid=entry.pw_uid, gid=entry.pw_gid)
    return None


def file_owner(home: Path) -> tuple[int, int] | None:
    """The user and group that root gives its files in `home` to: its owner, who could not open root's."""
    owner = home.stat()
    return (owner.st_uid, owner.st_gid) if os.geteuid() == 0 else None


def enter(identity: RunAs) -> None:
    """Give the calling process, which has one thread, that identity for good.

    Raises:
        OSError: the system forbids it.
    """
    match identity.way:
        case Way.AS_IS:
            pass
        case Way.NAMESPACE:
            _enter_namespace(identity.uid, identity.gid)
        case Way.BECOME:
            os.setgroups([])
            os.setgid(identity.gid)
            os.setuid(identity.uid)


def main(arguments: list[str]) -> None:
    """Take on an identity, then run a program in its place: `IDENTITY DIRECTORY PROGRAM ARGUMENT...`.

    It never returns. It exits with `EXIT_NO_NAMESPACE` or `EXIT_NO_ACCESS` when that fails, with the reason on
    standard error.
    """
    identity, directory, *command = arguments
    try:
        enter(RunAs.parse(identity))
    except OSError as error:
        sys.exit(_report(f"cannot become {identity}: {error}", EXIT_NO_NAMESPACE))
    try:
        next(Path(directory).iterdir(), None)
    except PermissionError as error:
        sys.exit(_report(f"uid {os.geteuid()} cannot reach {directory}: {error}", EXIT_NO_ACCESS))
    os.execv(command[0], command)  # noqa: S606 - becoming the program is the purpose


def _enter_namespace(uid: int, gid: int) -> None:
    outer_uid, outer_gid = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "unshare"):
        raise OSError("this system has no user namespaces")
    if libc.unshare(_CLONE_NEWUSER) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"unshare(CLONE_NEWUSER): {os.strerror(number)}")
    # Without the right to set groups in the outer namespace, the kernel requires this before a group is mapped.
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{uid} {outer_uid} 1\n", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{gid} {outer_gid} 1\n", encoding="ascii")


def _entry(uid: int) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        return None


def _named_user() -> pwd.struct_passwd | None:
    """An entry of the password file that is not root's, `nobody` if there is one."""
    others = [entry for entry in pwd.getpwall() if entry.pw_uid != 0]
    return next((entry for entry in others if entry.pw_name == "nobody"), others[0] if others else None)


def _report(reason: str, code: int) -> int:
    sys.stderr.write(reason + "\n")
    return code

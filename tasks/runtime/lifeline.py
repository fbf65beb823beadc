"""A worker ends with its parent: by the kernel's signal, and by the end of a pipe that only the parent holds open."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import threading
from typing import TYPE_CHECKING, Final

from tasks.errors import EXIT_TRY_LATER, ConfigError

if TYPE_CHECKING:
    from tasks.runtime.stop import Stop

PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
LINE_LIMIT: Final = 1 << 22
GRACE_S: Final = 1.0  # for the transaction at hand; what is not committed by then is replayed from the spool


def die_with_parent(number: signal.Signals = signal.SIGKILL) -> None:
    """Have the kernel send this process `number` when its parent dies. Linux only; elsewhere only the pipe ends it.

    It holds over exec, and is forgotten when the process becomes another user.

    Raises:
        OSError: the kernel refuses.
    """
    if not sys.platform.startswith("linux"):
        return
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")


def first_line(fd: int) -> bytes:
    """Read the line that the parent sends first, byte by byte so that nothing after it is lost.

    Raises:
        ConfigError: the pipe ended before the line did: there is no parent.
    """
    line = bytearray()
    while len(line) < LINE_LIMIT:
        byte = os.read(fd, 1)
        if not byte:
            raise ConfigError("the parent closed the lifeline before it sent the settings")
        if byte == b"\n":
            return bytes(line)
        line += byte
    raise ConfigError(f"the settings are longer than {LINE_LIMIT} bytes")


def watch(fd: int, stop: Stop) -> threading.Thread:
    """Start a thread that sets the stop flag when the parent is gone, and ends the process a second later."""
    thread = threading.Thread(target=_watch, args=(fd, stop), name="lifeline", daemon=True)
    thread.start()
    return thread


def _watch(fd: int, stop: Stop) -> None:
    while os.read(fd, 4096):
        pass
    stop.set()
    select.select([], [], [], GRACE_S)
    os._exit(EXIT_TRY_LATER)

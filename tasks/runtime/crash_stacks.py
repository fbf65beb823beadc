"""Prints the stacks of a process that crashes, in a way that cannot cause a crash itself.

`faulthandler` gives the main thread a second stack of a few kilobytes, and Python has the kernel run every signal
handler there. Different signals that arrive at the same moment nest, each with a frame of the processor's whole state
(up to 11 KB with AVX-512 and AMX), and run over the end of that stack into the heap: a handful of signals at once then
corrupts a process that dies of it much later, at some other place.
"""

from __future__ import annotations

import ctypes
import faulthandler
import mmap
import os
from functools import cache
from typing import Final

STACK_BYTES: Final = 1 << 20  # 64 signals, all there are, with 16 KB each


class _Stack(ctypes.Structure):
    """`stack_t` of sigaltstack(2), as Linux lays it out."""

    _fields_ = (("sp", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


def enable() -> None:
    """Print the stacks of all threads to stderr on a fatal signal, SIGABRT included. For the main thread.

    Raises:
        OSError: the system refuses the signal stack.
    """
    faulthandler.enable()
    widen_signal_stack()


def widen_signal_stack() -> None:
    """Give the calling thread a signal stack on which every signal there is can nest; again changes nothing.

    Raises:
        OSError: the system refuses it.
    """
    stack = _Stack(_address(), 0, STACK_BYTES)
    if ctypes.CDLL(None, use_errno=True).sigaltstack(ctypes.byref(stack), None):
        number = ctypes.get_errno()
        raise OSError(number, f"sigaltstack: {os.strerror(number)}")


@cache
def _address() -> int:
    """Return where the stack begins: in memory that is never freed, because a signal may come at any time."""
    return ctypes.addressof(ctypes.c_char.from_buffer(_memory()))


@cache
def _memory() -> mmap.mmap:
    return mmap.mmap(-1, STACK_BYTES)

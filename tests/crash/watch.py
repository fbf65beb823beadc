"""Sees every single store to the mapped file as it happens, by looking after every bytecode instruction."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import ledger

if TYPE_CHECKING:
    import mmap
    from collections.abc import Callable
    from types import FrameType

_LEDGER: Final = str(Path(ledger.__file__).resolve().parent)


class StoreWatch:
    """As a context: calls `on_store` after each instruction of the ledger that changed the buffer.

    `on_store` is given the bytes afterwards and the line of the program that stored.
    """

    def __init__(self, buffer: bytearray | mmap.mmap, on_store: Callable[[bytes, str], None]) -> None:
        self._buffer = buffer
        self._on_store = on_store
        self._last = bytes(buffer)
        self._line = ""

    def __enter__(self) -> None:
        sys.settrace(self._called)

    def __exit__(self, *_exc: object) -> None:
        sys.settrace(None)
        self._look()

    def _called(self, frame: FrameType, _event: str, _arg: object) -> Callable[..., Any] | None:
        self._look()
        if not frame.f_code.co_filename.startswith(_LEDGER):
            return None
        frame.f_trace_opcodes = True
        return self._stepped

    def _stepped(self, frame: FrameType, _event: str, _arg: object) -> Callable[..., Any]:
        self._look()
        self._line = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
        return self._stepped

    def _look(self) -> None:
        now = self._buffer[:]
        if now != self._last:
            self._last = bytes(now)
            self._on_store(self._last, self._line)

"""Faults of settings that the command of this process has had no use for so far; told once, when it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_faults: list[str] = []


def hold(faults: Iterable[str]) -> None:
    """Keep these in place of those kept before."""
    _faults[:] = faults


def drop() -> None:
    """Forget them: a message names them all."""
    _faults.clear()


def tell(write: Callable[[str], object]) -> None:
    """Write a line for each that is kept, and forget them."""
    for words in _faults:
        write(f"sluicegate: not used here, but no run starts and no reload takes effect with it: {_in_line(words)}\n")
    drop()


def _in_line(words: str) -> str:
    return " ".join(words.split())

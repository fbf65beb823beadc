"""The standard output, each write of which either happens or says why not.

An error of writing is an `OSError` like any other: argparse drops it, and it looks like a fault of the program.
"""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class OutputLost(Exception):
    """The output could not be written to its end; the message says why."""


class _CheckedFile(io.FileIO):
    """A descriptor that is not closed with it.

    Raises, when it is written to:
        BrokenPipeError: nobody reads any more.
        OutputLost: it takes no more, for any other reason.
    """

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputLost(error.strerror) from error


def install() -> None:
    """Make `sys.stdout` such an output, unless it is another one than the process began with."""
    present = sys.stdout
    if present is not sys.__stdout__ or not isinstance(present, io.TextIOWrapper):
        return
    present.flush()
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(_CheckedFile(present.fileno(), "wb", closefd=False)),
        encoding=present.encoding,
        errors=present.errors,
        line_buffering=present.line_buffering,
    )

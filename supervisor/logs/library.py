"""What libraries say through `logging` becomes records of the log, in its format and without secrets."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tasks.runtime.log import level_of

if TYPE_CHECKING:
    from supervisor.eventloop.loop import Loop
    from supervisor.logs.log import Log


class Library(logging.Handler):
    """Hands warnings and errors over to the loop, whichever thread they come from."""

    def __init__(self, loop: Loop, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._loop = loop
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record as the event `library`."""
        level = level_of(record)
        fields = {"logger": record.name, "message": record.getMessage()}
        self._loop.call(lambda: self._log.write(level, "library", fields))


def listen(loop: Loop, log: Log) -> None:
    """From now on hear every library of this process."""
    logging.basicConfig(level=logging.WARNING, handlers=[Library(loop, log)], force=True)

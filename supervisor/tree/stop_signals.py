"""The signals that stop a run: the first stops it, a second one kills what still runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.errors import EXIT_OK

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable

    from supervisor.eventloop.loop import Loop
    from supervisor.logs.log import Log

SECOND_SIGNAL_S: Final = 0.5  # nobody reads that it stops, and then wants it at once, in less


class StopSignals:
    """Tells the second signal from the first; `stop` is given the exit code, `kill` the signal."""

    def __init__(
        self, loop: Loop, log: Log, *, stop: Callable[[int], object], kill: Callable[[signal.Signals], object]
    ) -> None:
        self._loop = loop
        self._log = log
        self._stop = stop
        self._kill = kill
        self._is_stop_logged = False
        self._accepts_second = False
        self._is_killing = False

    def receive(self, number: signal.Signals) -> None:
        """Stop the run; at a second signal, kill what still runs.

        The same wish often comes twice at once: from the terminal, and passed on by npm, `timeout` or a wrapper. What
        comes while the loop is held up is handed over before the deadline that makes it another wish.
        """
        if not self._is_stop_logged:
            self._log.info("stop", message=f"{number.name}: stopping, the calls under way are finished first")
            self._is_stop_logged = True
            self._loop.after(SECOND_SIGNAL_S, self._accept_second)
            self._stop(EXIT_OK)
        elif self._accepts_second and not self._is_killing:
            self._is_killing = True
            self._log.warning("kill", message=f"{number.name} again: killing what still runs")
            self._kill(number)

    def _accept_second(self) -> None:
        self._accepts_second = True

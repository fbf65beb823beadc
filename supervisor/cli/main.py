"""Starts the program. Until a command handles signals itself, Ctrl-C ends it at once and without a traceback.

Nothing slow is imported before that holds, because Python itself turns a Ctrl-C into a traceback. Whoever starts us
may block the signal until then (`env --block-signal=INT`, as `make` does): no Ctrl-C is lost then, and none is shown.
"""

from __future__ import annotations

import os
import signal
import sys

INIT = 1  # our pid in a container: the kernel drops every signal to it that has no handler


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if os.getpid() == INIT:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _end)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    # Whoever closed them wants no output: it goes nowhere, and that is not an error.
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - for the whole of our life
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
    from supervisor.cli import run_command

    return run_command.run_command(sys.argv[1:] if argv is None else argv)


def _end(number: int, _frame: object) -> None:
    os._exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())

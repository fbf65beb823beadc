"""Where the program begins: until a command hears signals itself, Ctrl-C ends it at once and silently.

Nothing that takes time is imported before that: in Python's own hands a Ctrl-C becomes a traceback. Whoever starts us
may hold it back until then (`env --block-signal=INT`, as `make` does), so that none is lost and none is shown.
"""

from __future__ import annotations

import os
import signal
import sys

INIT = 1  # in a container: the kernel keeps every signal from it that it has no handler for


def main(argv: list[str] | None = None) -> int:
    """The exit code of one command."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if os.getpid() == INIT:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _end)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    # Whoever closed them does not want to hear anything: what is said goes nowhere, and is no error.
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - for the whole of our life
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
    from supervisor.cli import exit_codes

    return exit_codes.run_command(sys.argv[1:] if argv is None else argv)


def _end(number: int, _frame: object) -> None:
    os._exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())

"""Where the program begins: until a command hears signals itself, Ctrl-C ends it at once and silently.

Nothing that takes time is imported before that: in Python's own hands a Ctrl-C becomes a traceback. Whoever starts us
may hold it back until then (`env --block-signal=INT`, as `make` does), so that none is lost and none is shown.
"""

from __future__ import annotations

import signal
import sys


def main(argv: list[str] | None = None) -> int:
    """The exit code of one command."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    from supervisor import ending

    return ending.of(sys.argv[1:] if argv is None else argv)


if __name__ == "__main__":
    sys.exit(main())

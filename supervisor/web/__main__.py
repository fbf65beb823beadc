"""`python -m supervisor.web`: the page's process, started by the supervisor when somebody visits."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from supervisor.config import web_settings
from tasks.errors import Error, plain
from tasks.runtime import lifeline

NICENESS: Final = 5  # workers and the supervisor come first
_OOM_SCORE_ADJ: Final = "500"  # and when memory is short, this process goes first: the next visitor starts another


def main() -> int:
    """Serve until nobody has looked for a while, or the supervisor is gone or asks for the end; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m supervisor.web", description=__doc__)
    for name in ("--listening-fd", "--status-fd", "--lifeline-fd"):
        parser.add_argument(name, type=int, required=True)
    chosen = parser.parse_args()
    lifeline.die_with_parent(signal.SIGTERM)
    os.nice(NICENESS)
    with suppress(OSError):  # a container may forbid it
        Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE_ADJ, encoding="ascii")
    try:
        settings = web_settings.CODEC.decode(lifeline.first_line(chosen.lifeline_fd))
    except Error as error:
        sys.stderr.write(f"{plain(error)}\n")
        return error.exit_code
    from supervisor.web import server
    from supervisor.web.app import make_app

    return server.serve(make_app(settings), chosen.listening_fd, chosen.status_fd, chosen.lifeline_fd)


if __name__ == "__main__":
    sys.exit(main())

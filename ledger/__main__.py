"""`python -m ledger dump`: the ledger as a table or as JSON, while everything runs and after everything has crashed."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ledger import dump, regionfile
from ledger.clock import SystemClock
from ledger.errors import LedgerError
from ledger.ledger import TokenLedger

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_PATH: Final = Path("var/ledger")
EVERY_S: Final = 1


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code: 0, or 1 with one line when there is no ledger to read."""
    parser = argparse.ArgumentParser(prog="ledger", description="Look into the token ledger.")
    commands = parser.add_subparsers(dest="command", required=True)
    options = commands.add_parser("dump", help="print the ledger; takes no lock and changes nothing")
    options.add_argument("--json", action="store_true", help="as one JSON object")
    options.add_argument("--watch", action="store_true", help="again every second, until Ctrl-C")
    options.add_argument("--path", type=Path, default=DEFAULT_PATH, help=f"the ledger file (default {DEFAULT_PATH})")
    chosen = parser.parse_args(argv)
    try:
        return _dump(chosen.path, is_json=chosen.json, is_watched=chosen.watch)
    except (LedgerError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command speaks on its streams
        return 1


def _dump(path: Path, *, is_json: bool, is_watched: bool) -> int:
    if is_watched:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    while True:
        home = regionfile.attach(path, read_only=True)
        try:
            taken = TokenLedger(home, SystemClock()).snapshot()
        finally:
            home.close()
        text = dump.as_json(taken) if is_json else dump.as_text(taken)
        clear = "\x1b[H\x1b[2J" if is_watched and not is_json and sys.stdout.isatty() else ""
        print(clear + text, flush=True)  # noqa: T201
        if not is_watched or signal.sigtimedwait({signal.SIGINT, signal.SIGTERM}, EVERY_S) is not None:
            return 0


if __name__ == "__main__":
    sys.exit(main())

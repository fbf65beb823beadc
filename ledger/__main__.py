"""`python -m ledger dump`: the ledger as a table or as JSON, while everything runs and after everything has crashed.

It needs the standard library only, so it knows STATE_DIR of the environment alone; `sluicegate ledger dump` goes by
the whole configuration.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ledger import dump
from ledger.errors import LedgerError
from ledger.ledger import TokenLedger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FOLDER: Final = "var"
_NAME: Final = "ledger"
_PERIOD_S: Final = 1


def main(argv: Sequence[str] | None = None, *, prog: str = "python -m ledger") -> int:
    """Run the command; its exit code: 0, also when the reader closes the pipe, or 1 with one line without a ledger."""
    arguments = _parser(prog).parse_args(argv)
    path: Path = arguments.path or default_path(os.environ)
    try:
        return _dump(path, is_json=arguments.json, is_watched=arguments.watch)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter must not complain at its end
        return 0
    except (LedgerError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command speaks on its streams
        return 1


def default_path(environ: Mapping[str, str]) -> Path:
    """The ledger in STATE_DIR of the environment, or in `var`."""
    folder = environ.get("STATE_DIR", "").strip() or _FOLDER
    return Path(os.path.expanduser(folder)).absolute() / _NAME  # noqa: PTH111 - never an error: `~nobody` is a name


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=prog, description="Show the token ledger.")
    commands = parser.add_subparsers(dest="command", required=True)
    options = commands.add_parser("dump", help="print the ledger; this takes no lock and changes nothing")
    options.add_argument("--json", action="store_true", help="print one JSON object, and the path on standard error")
    options.add_argument("--watch", action="store_true", help="print it again every second, until Ctrl-C")
    options.add_argument("--path", type=Path, help=f"the ledger file [`{_NAME}` in STATE_DIR, or in `{_FOLDER}`]")
    return parser


def _dump(path: Path, *, is_json: bool, is_watched: bool) -> int:
    if path.exists() and not path.is_file():
        print(f"{path} is not a file: name the ledger with --path, or set STATE_DIR", file=sys.stderr)  # noqa: T201
        return 1
    if is_watched:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    has_named_path = False
    while True:
        with closing(TokenLedger.attach(path, read_only=True)) as ledger:
            snapshot = ledger.snapshot()
        if is_json and not has_named_path:
            print(f"ledger {path}", file=sys.stderr, flush=True)  # noqa: T201
            has_named_path = True
        text = dump.as_json(snapshot) if is_json else f"{path}\n{dump.as_text(snapshot)}"
        clear = "\x1b[H\x1b[2J" if is_watched and not is_json and sys.stdout.isatty() else ""
        print(clear + text, flush=True)  # noqa: T201
        if not is_watched or signal.sigtimedwait({signal.SIGINT, signal.SIGTERM}, _PERIOD_S) is not None:
            return 0


if __name__ == "__main__":
    sys.exit(main())

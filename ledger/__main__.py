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
from typing import TYPE_CHECKING, Final, NamedTuple

from ledger import dump
from ledger.errors import LedgerError, Unusable
from ledger.ledger import TokenLedger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_FOLDER: Final = "var"
_NAME: Final = "ledger"
MARKER: Final = ".in_database"  # at the end of the name of the file that is there while the ledger is in the database
_PERIOD_S: Final = 1


class Source(NamedTuple):
    """A ledger to show: what it is called, and what opens it."""

    name: str
    open: Callable[[], TokenLedger]


def main(argv: Sequence[str] | None = None, *, prog: str = "python -m ledger", source: Source | None = None) -> int:
    """Run the command; its exit code: 0, also when the reader closes the pipe, or 1 with one line without a ledger.

    It shows the `source` unless a path is given.
    """
    arguments = _parser(prog).parse_args(argv)
    try:
        if arguments.path is not None or source is None:
            source = _file(arguments.path or default_path(os.environ), is_chosen=arguments.path is not None)
        return _dump(source, is_json=arguments.json, is_watched=arguments.watch)
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


def _file(path: Path, *, is_chosen: bool) -> Source:
    """The ledger in that file.

    Raises:
        Unusable: there is no file, because the ledger is elsewhere; or what is there is none.
    """
    marker = path.with_name(f"{path.name}{MARKER}")
    if not is_chosen and marker.exists():
        raise Unusable(
            f"{marker} says that the ledger is in the database: `sluicegate ledger dump` shows it; "
            "a file is shown with --path"
        )
    if path.exists() and not path.is_file():
        raise Unusable(f"{path} is not a file: name the ledger with --path, or set STATE_DIR")
    return Source(str(path), lambda: TokenLedger.attach(path, read_only=True))


def _dump(source: Source, *, is_json: bool, is_watched: bool) -> int:
    if is_watched:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    has_named_path = False
    while True:
        with closing(source.open()) as ledger:
            snapshot = ledger.snapshot()
            shown = dump.as_json(snapshot) if is_json else dump.as_text(snapshot)
        if is_json and not has_named_path:
            print(f"ledger {source.name}", file=sys.stderr, flush=True)  # noqa: T201
            has_named_path = True
        text = shown if is_json else f"{source.name}\n{shown}"
        clear = "\x1b[H\x1b[2J" if is_watched and not is_json and sys.stdout.isatty() else ""
        print(clear + text, flush=True)  # noqa: T201
        if not is_watched or signal.sigtimedwait({signal.SIGINT, signal.SIGTERM}, _PERIOD_S) is not None:
            return 0


if __name__ == "__main__":
    sys.exit(main())

"""What the arguments of several commands have in common."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, TypeVar

from supervisor.queries import parsing

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Commands(Protocol):
        """What `ArgumentParser.add_subparsers` gives."""

        def add_parser(
            self,
            name: str,
            *,
            help: str,  # noqa: A002 - argparse's name
            description: str | None = None,
            epilog: str | None = None,
            formatter_class: type[argparse.HelpFormatter] = argparse.HelpFormatter,
        ) -> argparse.ArgumentParser:
            """A parser for one more command."""
            ...


T = TypeVar("T")


def add_domain(parser: argparse.ArgumentParser) -> None:
    """Add the choice of a shop."""
    parser.add_argument(
        "--domain",
        type=typed(parsing.domain),
        metavar="D",
        help="only this shop: de, amazon.de or its number at Keepa [all]",
    )


def add_formats(parser: argparse.ArgumentParser) -> None:
    """Add the choice between a table, CSV and JSON."""
    formats = parser.add_mutually_exclusive_group()
    formats.add_argument("--csv", action="store_true", help="print comma-separated values")
    formats.add_argument("--json", action="store_true", help="print one JSON object")


def typed(read: Callable[[str], T]) -> Callable[[str], T]:
    """`read` for argparse, which shows the words of its own error only."""

    def typed(text: str) -> T:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return typed

"""The arguments of `export`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger import durations
from supervisor.queries.arguments.parts import add_domain, typed

if TYPE_CHECKING:
    import argparse

    from supervisor.queries.arguments.parts import Commands


def add(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("export", help="write every deal, history, call or product as CSV, JSON or Parquet")
    parser.add_argument("kind", choices=("deals", "history", "calls", "products"), help="what is written")
    parser.add_argument(
        "--format",
        choices=("csv", "jsonl", "parquet"),
        default="csv",
        help="jsonl: a JSON object in each line; parquet needs the extra `parquet` [csv]",
    )
    parser.add_argument("--output", metavar="FILE", help="write into this file, all of it or nothing [the output]")
    parser.add_argument(
        "--since",
        type=typed(durations.parse_duration),
        metavar="TIME",
        help="only what was listed, changed, made or fetched in this last part, such as 24h, 90d [all]",
    )
    parser.add_argument(
        "--daily",
        action="store_true",
        help="a row a day: of history the lowest, highest and last price, of calls their sums; deals and products "
        "have no days",
    )
    add_domain(parser)
    parser.set_defaults(do=_do_export)


def _do_export(chosen: argparse.Namespace) -> int:
    from supervisor.queries import export

    return export.run(chosen)

"""The arguments of `fetch`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger import durations
from supervisor.queries import parsing
from supervisor.queries.arguments.parts import typed
from tasks.keepa import detail

if TYPE_CHECKING:
    import argparse


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command that asks for products by hand."""
    parser.add_argument(
        "products",
        type=typed(parsing.wanted),
        nargs="+",
        metavar="PRODUCT",
        help="an ASIN, the address of a product's page at Amazon or Keepa, or an EAN or UPC",
    )
    parser.add_argument(
        "--domain",
        type=typed(parsing.domain),
        metavar="D",
        help="the shop: de, amazon.de or its number at Keepa [that of the address, or of KEEPA_DOMAINS]",
    )
    parser.add_argument(
        "--detail",
        type=typed(detail.detail),
        default="history",
        metavar="WORDS",
        help=f"how much to fetch: {detail.EXPECTED} [history]",
    )
    parser.add_argument(
        "--code-limit",
        type=typed(parsing.count),
        default=5,
        metavar="N",
        help="at most so many products of an EAN or UPC, for each of them is paid for [5]",
    )
    parser.add_argument(
        "--key", metavar="NAME", help="of several keys the one that pays [the one of its pool that can soonest]"
    )
    waits = parser.add_mutually_exclusive_group()
    waits.add_argument(
        "--wait",
        type=typed(durations.parse_duration),
        metavar="TIME",
        help="wait for tokens at most so long, such as 30s, 10m [as long as it takes]",
    )
    waits.add_argument(
        "--queue", action="store_true", help="do not wait: leave it to backfill, at the front of its queue"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")

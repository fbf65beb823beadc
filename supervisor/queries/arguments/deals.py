"""The arguments of `deals`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger import durations
from supervisor.queries import parsing
from supervisor.queries.arguments.parts import add_domain, add_formats, typed

if TYPE_CHECKING:
    import argparse

    from supervisor.queries.arguments.parts import Commands

_SORTS: Final = ("discount", "drop", "price", "rank", "newest", "roi", "profit")
_OVER: Final = ("day", "week", "month", "quarter")


def add(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "deals", help="show the best deals that are current, and what is left when they are sold again"
    )
    parser.add_argument("--top", type=typed(parsing.count), default=20, metavar="N", help="how many deals [20]")
    parser.add_argument(
        "--sort",
        choices=_SORTS,
        default="discount",
        help="by what deals are ordered, best first: discount, the part that the price is below its mean, of equal "
        "ones what sells best; drop, the money that it is below it; price, the lowest; rank, what sells best; "
        "newest; roi and profit, what is left after Amazon's fees [discount]",
    )
    parser.add_argument(
        "--over", choices=_OVER, help="period of the average that the price is compared with [as the selection says]"
    )
    parser.add_argument(
        "--type",
        type=typed(parsing.money_type),
        action="append",
        metavar="NAME",
        help="price type, such as NEW, AMAZON, WAREHOUSE; may be repeated [as the selections say]",
    )
    parser.add_argument(
        "--min-discount", type=typed(parsing.percent), default=1, metavar="PERCENT", help="smallest discount [1]"
    )
    parser.add_argument(
        "--within",
        type=typed(durations.parse_duration),
        default=durations.parse_duration("24h"),
        metavar="TIME",
        help="only deals listed within this time, such as 90m, 24h, 7d [24h]",
    )
    parser.add_argument(
        "--selection",
        action="append",
        metavar="NAME",
        help="only deals that this selection has listed: its file's name, even if that is gone; may be repeated [all]",
    )
    _add_conditions(parser)
    _add_resale(parser)
    add_domain(parser)
    add_formats(parser)
    parser.set_defaults(do=_do_deals)


def _add_conditions(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("which deals; what is not known meets no condition")
    group.add_argument("--title", nargs="+", metavar="WORD", help="only deals with all these words in the title")
    group.add_argument("--category", metavar="NAME", help="only this root category: a part of its name, or its number")
    group.add_argument("--brand", metavar="NAME", help="only this brand")
    group.add_argument(
        "--amazon", choices=("yes", "no"), help="only products that Amazon itself sells now, or does not"
    )
    group.add_argument(
        "--max-fba-sellers",
        type=typed(parsing.whole_amount),
        metavar="N",
        help="at most so many sellers of new ones for whom Amazon ships",
    )
    group.add_argument(
        "--min-rank-drops",
        type=typed(parsing.whole_amount),
        metavar="N",
        help="the sales rank fell at least so often in 30 days: about how many were sold",
    )


def _add_resale(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is left when it is sold again, after Amazon's fees")
    group.add_argument("--resale", action="store_true", help="show fees, profit and return of each deal")
    group.add_argument(
        "--min-roi",
        type=typed(parsing.signed_amount),
        metavar="PERCENT",
        help="only a profit of at least this, of the cost",
    )
    group.add_argument(
        "--min-profit", type=typed(parsing.signed_amount), metavar="AMOUNT", help="only a profit of at least this"
    )
    group.add_argument(
        "--sell-at",
        type=typed(parsing.sell_at),
        default=("buy-box", None),
        metavar="PRICE",
        help="an amount, buy-box, or mean: that of the period of --over [buy-box]",
    )
    group.add_argument(
        "--per-item",
        type=typed(parsing.amount),
        default=0,
        metavar="AMOUNT",
        help="what an item costs besides its price [0]",
    )
    group.add_argument(
        "--per-kg",
        type=typed(parsing.amount),
        default=0,
        metavar="AMOUNT",
        help="what a kilogram costs on its way to Amazon; the weight is that of the package [0]",
    )


def _do_deals(chosen: argparse.Namespace) -> int:
    from supervisor.queries import deals

    return deals.show(chosen)

"""The arguments of the commands that ask the database; each command does its work in a module of its own."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final, TypeVar

from ledger import durations
from supervisor.queries import parsing

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Commands(Protocol):
        """What `ArgumentParser.add_subparsers` gives."""

        def add_parser(self, name: str, *, help: str) -> argparse.ArgumentParser:  # noqa: A002 - argparse's name
            """A parser for one more command."""
            ...


T = TypeVar("T")

_SORTS: Final = ("discount", "drop", "price", "rank", "newest")
_OVER: Final = ("day", "week", "month", "quarter")


def add(commands: Commands) -> None:
    """Add the commands."""
    _deals(commands)
    _history(commands)
    _spend(commands)
    _quarantine(commands)
    _queue(commands)


def _deals(commands: Commands) -> None:
    parser = commands.add_parser("deals", help="the best deals of now")
    parser.add_argument("--top", type=_typed(parsing.count), default=20, metavar="N", help="how many [20]")
    parser.add_argument("--sort", choices=_SORTS, default="discount", help="what makes one better [discount]")
    parser.add_argument("--over", choices=_OVER, help="the mean the price is held against [as the selection says]")
    parser.add_argument(
        "--type",
        type=_typed(parsing.money_type),
        action="append",
        metavar="NAME",
        help="price type, such as NEW, AMAZON, WAREHOUSE; may be repeated [as the selections say]",
    )
    parser.add_argument(
        "--min-discount", type=_typed(parsing.percent), default=1, metavar="PERCENT", help="at least [1]"
    )
    parser.add_argument(
        "--within",
        type=_typed(durations.parse_duration),
        default=durations.parse_duration("24h"),
        metavar="TIME",
        help="listed not longer ago, such as 90m, 24h, 7d [24h]",
    )
    _add_domain(parser)
    _add_formats(parser)
    parser.set_defaults(do=_do_deals)


def _history(commands: Commands) -> None:
    parser = commands.add_parser("history", help="the price history of one product")
    parser.add_argument(
        "product",
        type=_typed(parsing.product),
        metavar="ASIN",
        help="ten digits and capital letters, or the address of its page at Amazon or Keepa",
    )
    parser.add_argument(
        "--type",
        type=_typed(parsing.price_type),
        action="append",
        metavar="NAME",
        help="price type, such as NEW, AMAZON, SALES; may be repeated [an overview of all]",
    )
    parser.add_argument(
        "--since", type=_typed(durations.parse_duration), metavar="TIME", help="only the last 90d, 52w ... [all]"
    )
    parser.add_argument("--plot", action="store_true", help="draw it")
    _add_domain(parser)
    _add_formats(parser)
    parser.set_defaults(do=_do_history)


def _spend(commands: Commands) -> None:
    parser = commands.add_parser("spend", help="where the tokens went")
    parser.add_argument(
        "--since",
        type=_typed(durations.parse_duration),
        default=durations.parse_duration("24h"),
        metavar="TIME",
        help="the last 90m, 24h, 7d ... [24h]",
    )
    parser.add_argument("--by", choices=("tier", "endpoint", "shape"), default="tier", help="one line for each [tier]")
    parser.add_argument("--json", action="store_true", help="as one JSON object")
    parser.set_defaults(do=_do_spend)


def _quarantine(commands: Commands) -> None:
    actions = commands.add_parser("quarantine", help="what could not be used: look at it, try it again, drop it")
    verbs = actions.add_subparsers(title="what to do", metavar="ACTION", required=True)

    listing = verbs.add_parser("list", help="the faults, the latest first")
    _add_filters(listing)
    listing.add_argument("--limit", type=_typed(parsing.count), default=50, metavar="N", help="at most so many [50]")
    listing.add_argument("--json", action="store_true", help="as one JSON object")
    listing.set_defaults(do=_do_quarantine_list)

    show = verbs.add_parser("show", help="one fault, with what was received")
    show.add_argument("id", type=_typed(parsing.number), metavar="NO", help="its number in the list")
    shapes = show.add_mutually_exclusive_group()
    shapes.add_argument("--raw", action="store_true", help="only what was received, byte for byte")
    shapes.add_argument("--json", action="store_true", help="as one JSON object")
    show.set_defaults(do=_do_quarantine_show)

    retry = verbs.add_parser("retry", help="read what is kept once more; queue again what left nothing")
    _add_choice(retry)
    retry.add_argument(
        "--refetch", action="store_true", help="also ask again, for tokens, for products that still cannot be read"
    )
    retry.set_defaults(do=_do_quarantine_retry)

    drop = verbs.add_parser("drop", help="delete for good")
    _add_choice(drop)
    drop.add_argument("--yes", action="store_true", help="needed with --all and with filters")
    drop.set_defaults(do=_do_quarantine_drop)
    for verb in verbs.choices.values():
        verb.set_defaults(parser=verb)


def _queue(commands: Commands) -> None:
    parser = commands.add_parser("queue", help="what waits to be fetched, by selection; drop what none asks for")
    parser.add_argument(
        "action",
        nargs="?",
        choices=("list", "drop"),
        default="list",
        help="drop: take away what was queued for selections and locales that are in the settings no more",
    )
    parser.add_argument("--json", action="store_true", help="as one JSON object")
    parser.set_defaults(do=_do_queue)


def _add_choice(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", type=_typed(parsing.number), nargs="*", metavar="NO", help="numbers in the list")
    parser.add_argument("--all", action="store_true", help="everything")
    _add_filters(parser)


def _add_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kind", choices=("deal", "product", "request", "body"), help="only what was refused as such")
    parser.add_argument("--key", metavar="TEXT", help="only what it is about holds this text, such as an ASIN")
    parser.add_argument("--reason", metavar="TEXT", help="only those whose reason holds this text")
    _add_domain(parser)


def _add_domain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--domain",
        type=_typed(parsing.domain),
        metavar="D",
        help="only this shop: de, amazon.de or its number at Keepa [all]",
    )


def _add_formats(parser: argparse.ArgumentParser) -> None:
    formats = parser.add_mutually_exclusive_group()
    formats.add_argument("--csv", action="store_true", help="as comma-separated values")
    formats.add_argument("--json", action="store_true", help="as one JSON object")


def _typed(read: Callable[[str], T]) -> Callable[[str], T]:
    """`read` for argparse, which shows the words of its own error only."""

    def typed(text: str) -> T:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return typed


def _do_deals(chosen: argparse.Namespace) -> int:
    from supervisor.queries import deals

    return deals.show(chosen)


def _do_history(chosen: argparse.Namespace) -> int:
    from supervisor.queries import history

    return history.show(chosen)


def _do_spend(chosen: argparse.Namespace) -> int:
    from supervisor.queries import spend

    return spend.show(since=chosen.since, by=chosen.by, as_json=chosen.json)


def _do_quarantine_list(chosen: argparse.Namespace) -> int:
    from supervisor.queries import quarantine

    return quarantine.list_(chosen)


def _do_quarantine_show(chosen: argparse.Namespace) -> int:
    from supervisor.queries import quarantine

    return quarantine.show(chosen)


def _do_quarantine_retry(chosen: argparse.Namespace) -> int:
    from supervisor.queries import quarantine

    return quarantine.retry(chosen)


def _do_quarantine_drop(chosen: argparse.Namespace) -> int:
    from supervisor.queries import quarantine

    return quarantine.drop(chosen)


def _do_queue(chosen: argparse.Namespace) -> int:
    from supervisor.queries import queue

    return queue.drop(chosen) if chosen.action == "drop" else queue.show(chosen)

"""The arguments of the command `watch`; its work is in a module of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from supervisor.queries import parsing
from supervisor.queries.arguments.parts import typed

if TYPE_CHECKING:
    import argparse

    from supervisor.queries.arguments.parts import Commands


def add(commands: Commands) -> None:
    """Add the command."""
    actions = commands.add_parser("watch", help="check, list or extend your own lists of products (WATCH)")
    verbs = actions.add_subparsers(title="what to do", metavar="ACTION", dest="action", required=True)

    check = verbs.add_parser("check", help="tell every fault of every list, with file and line, and what they cost")
    check.add_argument("paths", nargs="*", metavar="PATH", help="folders, files or table:NAME [those of WATCH]")
    check.add_argument(
        "--rate", type=typed(parsing.number), action="append", metavar="N", help="tokens a minute; may be repeated"
    )

    verbs.add_parser("list", help="show how fresh each list is")

    extend = verbs.add_parser("add", help="add products to a list, or begin a new one")
    extend.add_argument("list", metavar="NAME", help="name of a list in the folder of WATCH, or path of a *.txt file")
    extend.add_argument(
        "products",
        type=typed(parsing.product),
        nargs="+",
        metavar="ASIN",
        help="ten digits and capital letters, or the address of its page at Amazon or Keepa",
    )
    for verb in verbs.choices.values():
        verb.add_argument("--json", action="store_true", help="print one JSON object")
        verb.set_defaults(do=_do, parser=verb)


def _do(chosen: argparse.Namespace) -> int:
    from supervisor.queries import watch

    do = {"check": watch.check, "list": watch.list_, "add": watch.add}
    return do[chosen.action](chosen)

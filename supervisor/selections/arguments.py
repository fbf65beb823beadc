"""The arguments of the commands about selections; each command does its work in a module of its own."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import Protocol

    class Commands(Protocol):
        """What `ArgumentParser.add_subparsers` gives."""

        def add_parser(self, name: str, *, help: str) -> argparse.ArgumentParser:  # noqa: A002 - argparse's name
            """A parser for one more command."""
            ...


_MOST: Final = 100_000  # tokens a minute, far above any plan
_SOURCE: Final = (
    "a selection of the settings by its name, a file, - for standard input, or the text itself: what Keepa's deals "
    "page exports, its address, or that of an API call"
)
_KEY: Final = "of several keys the one that pays [the one that lists the selection, or that can soonest]"


def add(commands: Commands) -> None:
    """Add the commands."""
    _add_plan(commands)
    actions = commands.add_parser("selection", help="check, explain, preview and add selections")
    verbs = actions.add_subparsers(title="what to do", metavar="ACTION", dest="action", required=True)

    check = verbs.add_parser("check", help="say whether selections are valid, with every fault; costs nothing")
    check.set_defaults(do=_do_check)
    explain = verbs.add_parser("explain", help="say in words what selections ask for, with a link to Keepa's page")
    explain.set_defaults(do=_do_explain)
    for verb in (check, explain):
        verb.add_argument("sources", nargs="*", metavar="SELECTION", help=f"{_SOURCE} [those of the settings]")

    preview = verbs.add_parser(
        "preview", help="ask for one page, for 5 tokens: how many deals match, the newest of them, what they will cost"
    )
    preview.add_argument("source", metavar="SELECTION", help=_SOURCE)
    preview.add_argument("--key", metavar="NAME", help=_KEY)
    preview.add_argument("--yes", action="store_true", help="spend the tokens without a question")
    preview.add_argument("--fresh", action="store_true", help="ask even where a page of the last hour is kept")
    preview.set_defaults(do=_do_preview)

    new = verbs.add_parser(
        "add", help="check a selection, or a source of products, and put it into the folder SELECTIONS"
    )
    new.add_argument("name", metavar="NAME", help="the name it shall have")
    new.add_argument(
        "source", nargs="?", default="-", metavar="SELECTION", help=f"{_SOURCE}; or a source of products [-]"
    )
    new.set_defaults(do=_do_add)

    example = verbs.add_parser("example", help="print an example with comments, or the built-in selection")
    example.add_argument("name", nargs="?", metavar="NAME", help="which one [a list of them]")
    example.set_defaults(do=_do_example)

    for verb in (check, explain, preview):
        verb.add_argument("--json", action="store_true", help="print one JSON object")
    for verb in verbs.choices.values():
        verb.set_defaults(parser=verb)


def _add_plan(commands: Commands) -> None:
    plan = commands.add_parser(
        "plan",
        help="show what selections, lists and sources cost a day, how fresh deals are with that, what expires unused "
        "and why, and what would change it",
    )
    plan.add_argument(
        "sources",
        nargs="*",
        metavar="WHAT",
        help=f"a further one, beside those of the settings: {_SOURCE}; a source of products in the same ways; or a "
        "list of products: a file that ends with .txt or .csv, or table:NAME",
    )
    plan.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="also show what this setting would change; may be repeated",
    )
    plan.add_argument("--key", metavar="NAME", help="of several keys this one alone [each, and all together]")
    plan.add_argument("--rate", type=_rate, metavar="N", help="tokens a minute [as the server says]")
    plan.add_argument(
        "--yes", action="store_true", help="ask for one page, 5 tokens, of each selection of which nothing is known"
    )
    plan.set_defaults(do=_do_plan, parser=plan)
    plan.add_argument("--json", action="store_true", help="print one JSON object")


def _rate(text: str) -> int:
    if text.isascii() and text.isdigit() and 0 < int(text) <= _MOST:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to {_MOST}")


def _do_plan(chosen: argparse.Namespace) -> int:
    from supervisor.selections import plan

    return plan.show(chosen)


def _do_check(chosen: argparse.Namespace) -> int:
    from supervisor.selections import describe

    return describe.check(chosen)


def _do_explain(chosen: argparse.Namespace) -> int:
    from supervisor.selections import describe

    return describe.explain(chosen)


def _do_preview(chosen: argparse.Namespace) -> int:
    from supervisor.selections import preview

    return preview.show(chosen)


def _do_add(chosen: argparse.Namespace) -> int:
    from supervisor.selections import files

    return files.add(chosen)


def _do_example(chosen: argparse.Namespace) -> int:
    from supervisor.selections import files

    return files.example(chosen)

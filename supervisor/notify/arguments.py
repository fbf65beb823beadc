"""The arguments of the command `notify`; its work is in a module of its own."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from supervisor.queries.arguments.parts import Commands

_DESCRIPTION: Final = "Checks, tries or lists what people are told by rules, which are in the folder RULES."
_EXAMPLE: Final = """\
a folder of rules, such as rules/:
  targets.toml, which only you may read:   a rule, such as headphones.toml:
    [phone]                                  deals = ["new", "drop"]
    url = "tgram://BOT-TOKEN/CHAT-ID"        title = "headphones"
                                             to = ["phone"]
then put RULES=rules into .env; `sluicegate notify check` names every fault"""


def add(commands: Commands) -> None:
    """Add the command."""
    words = "check, try or list what people are told by rules of yours (RULES)"
    actions = commands.add_parser(
        "notify",
        help=words,
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = actions.add_subparsers(title="what to do", metavar="ACTION", dest="action", required=True)
    verbs.add_parser("check", help="tell every fault of rules and targets, and how many deals meet each rule now")
    verbs.add_parser("list", help="show what waits for each target, what was sent, and what is refused, since when")
    trial = verbs.add_parser("test", help="send a message to targets; exit code 1 when one does not accept it")
    trial.add_argument("targets", nargs="*", metavar="TARGET", help="names in targets.toml [all]")
    for verb in verbs.choices.values():
        verb.add_argument("--json", action="store_true", help="print one JSON object")
        verb.set_defaults(do=_do, parser=verb)


def _do(chosen: argparse.Namespace) -> int:
    from supervisor.notify import commands

    do = {"check": commands.check, "list": commands.list_, "test": commands.test}
    return do[chosen.action](chosen)

"""The arguments of the command `notify`; its work is in a module of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from supervisor.queries.arguments.parts import Commands


def add(commands: Commands) -> None:
    """Add the command."""
    actions = commands.add_parser("notify", help="check, try or list what people are told by rules of yours (RULES)")
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

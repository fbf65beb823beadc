"""The reference of commands and of the simulator, made from their parsers."""

import argparse

from ledger import __main__ as ledger_command
from supervisor.cli import commands
from tasks.simulator import cli as simulator_cli
from tasks.simulator.control import CHANGES
from tests.reference_documents.markdown import code, page, plain, table

PASSED_ON = {"psql", "pg-dump", "pg-restore"}  # their arguments are those of PostgreSQL's own programs


def command_page():
    """Every command with its arguments."""
    parser = commands._parser()
    made = {"ledger": ledger_command._parser("sluicegate ledger"), "simulator": simulator_cli.parser()}
    parts = []
    for action in _verbs(parser):
        helps = {one.dest: one.help for one in action._choices_actions}
        for name, command in sorted(action.choices.items()):
            parts += _command(f"sluicegate {name}", made.get(name, command), helps[name], level=2)
    whole = "`sluicegate COMMAND --help` prints the same. [Commands at a glance](../commands.md) has their purpose."
    return page("Commands and options", whole, *parts)


def simulator_page():
    """The simulator's options, and what `/control` takes."""
    changes = table(["key", "changes"], [(code(name), plain(words)) for name, words in CHANGES.items()])
    return page(
        "The simulator",
        "A server that speaks Keepa's API, with the true bucket of tokens and a synthetic shop. `sluicegate run` "
        "starts one when there is no key; `sluicegate simulator` runs it by itself, for tests of your own.",
        "## `/control`",
        "`GET /control` answers with the state of the server. `POST /control` with a JSON object changes it while it "
        "runs, and answers with the new state; what is not understood is refused as a whole.",
        changes,
        '```\ncurl -d \'{"balance": 300, "fail_next": {"kind": "500", "count": 2}}\' '
        "http://127.0.0.1:8900/control\n```",
        "## Options",
        _arguments(simulator_cli.parser()),
    )


def _verbs(parser):
    return [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]


def _command(name, parser, words, level):
    """A section for a command, and one for each command within it."""
    yield f"{'#' * level} {name}"
    yield plain(parser.description or words or "")
    if name.split()[-1] in PASSED_ON:
        return
    yield _arguments(parser)
    for action in _verbs(parser):
        helps = {one.dest: one.help for one in action._choices_actions}
        for verb, command in action.choices.items():
            yield from _command(f"{name} {verb}", command, helps.get(verb), level + 1)


def _arguments(parser):
    rows = []
    for action in parser._actions:
        if isinstance(action, argparse._HelpAction | argparse._SubParsersAction) or action.help == argparse.SUPPRESS:
            continue
        choices = "|".join(map(str, action.choices or ()))
        value = action.metavar or choices or (action.dest if not action.option_strings else action.dest.upper())
        value = " ".join(value) if isinstance(value, tuple) else value
        shown = "" if action.nargs == 0 else value
        words = (action.help or "") % {"default": action.default} if "%(" in (action.help or "") else action.help or ""
        rows.append((code(f"{', '.join(action.option_strings)} {shown}".strip()), plain(words.replace("%%", "%"))))
    return table(["argument", "meaning"], rows)

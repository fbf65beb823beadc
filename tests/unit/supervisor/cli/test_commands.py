"""Every command has a help text and a row in the README."""

import argparse
import re

import pytest

from ledger import __main__ as ledger_command
from supervisor.cli import commands, man_page
from tasks.simulator import cli as simulator_cli
from tests.settings_documents import README


def of_the_readme():
    """The commands in the table: `sluicegate pause\\|resume upsert` names two, and so does `psql`, `pg-dump`."""
    section = README.read_text(encoding="utf-8").partition("\n## Commands\n")[2].partition("\n## ")[0]
    cells = [row.replace("\\|", "/").split("|")[2] for row in section.splitlines() if row.startswith("|")]
    spans = [span.removeprefix("sluicegate ") for cell in cells for span in re.findall("`([^`]+)`", cell)]
    return [name for span in spans for name in span.split()[0].split("/")]


def test_every_command_has_a_help_text_and_is_in_the_readme_once():
    (actions,) = [one for one in commands._parser()._actions if isinstance(one, argparse._SubParsersAction)]
    named = of_the_readme()
    assert sorted(set(named)) == sorted(actions.choices)
    assert len(named) - len(set(named)) == 0
    assert {choice.dest for choice in actions._choices_actions if choice.help} == set(actions.choices)


def test_no_command_is_lost():
    """A command that is taken away breaks somebody's script: the list may grow, and shrinks on purpose only."""
    (actions,) = [one for one in commands._parser()._actions if isinstance(one, argparse._SubParsersAction)]
    orders = {"pause", "resume", "restart", "retry", "scale", "set", "reload"}
    looks = {"status", "doctor", "db-url", "ledger", "psql", "pg-dump", "pg-restore"}
    asks = {"deals", "history", "spend", "quarantine", "queue"}
    assert {"run", "debug", "simulator"} | orders | looks | asks <= set(actions.choices)


def arguments(parser, name):
    """Each option and argument of the parser and of its commands, with the command's name."""
    for action in parser._actions:
        yield name, action
        if isinstance(action, argparse._SubParsersAction):
            for word, command in action.choices.items():
                yield from arguments(command, f"{name} {word}")


@pytest.mark.parametrize(
    "parser", [commands._parser(), ledger_command._parser("sluicegate ledger"), simulator_cli.parser()]
)
def test_every_option_and_argument_has_a_help_text(parser):
    """One without it is missing in the man page, and means nothing in the reference."""
    named = [(name, one) for name, one in arguments(parser, "") if not isinstance(one, argparse._SubParsersAction)]
    assert named
    assert [(name, one.option_strings or one.dest) for name, one in named if not one.help] == []


def test_the_man_page_has_every_argument_that_needs_no_dash(capsys):
    parser = commands._parser()
    man_page.show(parser)
    lines = capsys.readouterr().out.splitlines()
    wanted = {
        one.metavar or "|".join(one.choices or [one.dest])
        for _, one in arguments(parser, "")
        if not one.option_strings and not isinstance(one, argparse._SubParsersAction)
    }
    assert len(wanted) > 10
    assert {f".B {man_page._text(one)}" for one in wanted} - set(lines) == set()

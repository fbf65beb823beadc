"""Every command has a help text and a row in the README."""

import argparse
import re

from supervisor.cli import commands
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

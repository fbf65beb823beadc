"""`completion` and `man`: what the shell and `man` are given is made of the parser."""

import argparse
import subprocess

import pytest

from supervisor.cli import commands
from supervisor.config.options import OPTIONS
from tests.fakes.program.cli_program import Program


@pytest.fixture
def program(tmp_path):
    return Program(tmp_path)


def names():
    actions = [one for one in commands._parser()._actions if isinstance(one, argparse._SubParsersAction)]
    return set(actions[0].choices)


def completed(script, *words):
    """What bash offers for the last of these words."""
    typed = " ".join(f"'{word}'" for word in words)
    end = f"COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}; _shtab_sluicegate; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(["bash", "-c", f"{script}\n{end}"], capture_output=True, text=True, check=True)  # noqa: S607
    return set(done.stdout.split())


def test_bash_completes_commands_workers_and_settings(program):
    script = program.command("completion", "bash").stdout
    assert names() <= completed(script, "sluicegate", "")
    assert {"upsert-0", "backfill-1"} <= completed(script, "sluicegate", "restart", "")
    changeable = {f"{one.name}=" for one in OPTIONS if one.replaces is not None}
    assert completed(script, "sluicegate", "set", "") >= changeable
    assert completed(script, "sluicegate", "schema", "") >= {"status", "deals", "db"}
    assert "size" in completed(script, "sluicegate", "schema", "db", "")
    assert completed(script, "sluicegate", "db", "pr") == {"prune"}


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_other_shells_are_given_every_command(program, shell):
    script = program.command("completion", shell).stdout
    assert all(name in script for name in names())


def test_the_man_page_has_every_command(program):
    page = program.command("man").stdout.replace("\\-", "-")
    assert page.startswith(".TH SLUICEGATE")
    assert all(name in page for name in names())

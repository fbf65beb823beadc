"""What README and the operations guide tell to type is there."""

import argparse
import re

import pytest

from supervisor.cli import commands
from tests.fakes.program.cli_program import ROOT

TEXTS = ("README.md", "docs/operations.md")
BLOCK = re.compile(r"^```\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"(?:^|bin/|\(|exec (?:-T )?sluicegate )sluicegate ([a-z][a-z-]*)")
TARGET = re.compile(r"^make ([a-z-]+)")
NAMED = re.compile(r"\b(?:deploy|docs|ledger|tasks|supervisor)/[a-z_/]*[A-Za-z_]+\.(?:py|yml|service|md|json)\b")


def code(path):
    """Code blocks and spans, one command a line."""
    text = (ROOT / path).read_text(encoding="utf-8")
    blocks = [line for block in BLOCK.findall(text) for line in block.splitlines()]
    return [*blocks, *re.findall(r"`([^`\n]+)`", BLOCK.sub("", text))]


@pytest.mark.parametrize("path", TEXTS)
def test_every_command_that_is_named_exists(path):
    actions = [one for one in commands._parser()._actions if isinstance(one, argparse._SubParsersAction)]
    named = {name for line in code(path) for name in COMMAND.findall(line)}
    assert len(named) > 4
    assert named <= set(actions[0].choices)


@pytest.mark.parametrize("path", TEXTS)
def test_every_make_target_that_is_named_exists(path):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {name for line in code(path) for name in TARGET.findall(line)}
    assert len(named) > 3
    assert named <= targets


@pytest.mark.parametrize("path", TEXTS)
def test_every_file_of_the_project_that_is_named_is_there(path):
    named = set(NAMED.findall((ROOT / path).read_text(encoding="utf-8")))
    assert {name for name in named if not (ROOT / name).exists()} == set()

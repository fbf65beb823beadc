"""Workflows run the code that was looked at: a tag of an action can be moved to other code, a hash cannot."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest

from tests.fakes.program.cli_program import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.y*ml"))
USES = re.compile(r"^\s*-? ?uses: *(\S+)(.*)$", re.MULTILINE)
PINNED = re.compile(r"[\w.-]+(?:/[\w.-]+)+@[0-9a-f]{40}")
RELEASE = re.compile(r" # v\d+\.\d+\.\d+")


def actions():
    """Each action of another repository: the workflow, what it names, the rest of the line."""
    found = [(path.name, *one) for path in WORKFLOWS for one in USES.findall(path.read_text(encoding="utf-8"))]
    return [(workflow, named, rest) for workflow, named, rest in found if not named.startswith("./")]


def is_pinned(named, rest):
    return PINNED.fullmatch(named) is not None and RELEASE.fullmatch(rest) is not None


def test_each_action_is_named_by_its_commit_with_the_release_beside_it():
    assert len(actions()) > 10
    assert [one for one in actions() if not is_pinned(*one[1:])] == []


def test_all_workflows_take_the_same_commit_of_an_action():
    commits = defaultdict(set)
    for _, named, rest in actions():
        action, _, commit = named.partition("@")
        commits[action].add((commit, rest))
    assert {action: found for action, found in commits.items() if len(found) > 1} == {}


@pytest.mark.parametrize(
    ("named", "rest"),
    [
        ("actions/checkout@v5", ""),
        ("actions/checkout@fbc6f39", " # v5.1.0"),
        ("actions/checkout@" + "f" * 40, ""),
        ("pypa/gh-action-pypi-publish@release/v1", " # v1.13.0"),
    ],
)
def test_what_can_be_moved_or_is_not_told_counts_as_unpinned(named, rest):
    assert not is_pinned(named, rest)

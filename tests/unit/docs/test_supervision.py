"""The table of promises: every line is there, and every test it names exists."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent.parent
LINES = 61


def rows():
    found = re.findall(r"^\| (\d+) \|([^|]*)\|([^|]*)\|", (ROOT / "docs" / "supervision.md").read_text(), re.MULTILINE)
    return {int(number): re.findall("`([^`]+)`", tests) for number, _, tests in found}


def names_in(path):
    tree = ast.parse(path.read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


@pytest.fixture(scope="module")
def everywhere():
    return set().union(*(names_in(path) for path in (ROOT / "tests").rglob("test_*.py")))


def test_every_line_is_there_in_order_and_names_a_test():
    assert list(rows()) == list(range(1, LINES + 1))
    assert all(rows().values())


@pytest.mark.parametrize("number", range(1, LINES + 1))
def test_every_test_that_holds_the_line_exists(number, everywhere):
    for test in rows()[number]:
        path, _, name = test.rpartition("::")
        if path:
            assert name in names_in(ROOT / path), test
        else:
            assert test == f"line_{number:02}"
            assert any(test in name for name in everywhere), f"no test has {test} in its name"


def test_no_test_is_of_a_line_that_the_table_does_not_give_it(everywhere):
    numbers = {int(found[1]) for name in everywhere if (found := re.search(r"_line_(\d\d)_", name))}
    assert all(f"line_{number:02}" in rows()[number] for number in numbers)

"""Each answer of docs/where-to-look.md is there: the file, and the name in it; and every package has a question."""

import ast
import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs" / "where-to-look.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (?P<question>[^|]+) \| `(?P<file>[a-z_/]+\.py)` \| `(?P<name>\w+)` \|$", re.MULTILINE)
ROWS = [match.groups() for match in ROW.finditer(TEXT)]
TOPS = ("supervisor", "tasks", "ledger")


def names_in(path):
    """Every function, class and constant of a file, whatever it stands in."""
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))


def packages():
    """The folders of code, but those that hold packages alone."""
    inits = [path for top in TOPS for path in (ROOT / top).rglob("__init__.py")]
    return {str(path.parent.relative_to(ROOT)) for path in inits if len(list(path.parent.glob("*.py"))) > 1}


def test_each_name_is_in_the_file_that_answers():
    names = {file: set(names_in(file)) for file in {file for _, file, _ in ROWS}}
    assert [(question, file, name) for question, file, name in ROWS if name not in names[file]] == []


def test_every_line_of_the_tables_is_read():
    lines = [line for line in TEXT.splitlines() if line.startswith("|") and not line.startswith(("|---", "| where is"))]
    assert len(lines) == len(ROWS)


def test_each_top_has_twenty_questions_and_each_package_one():
    assert all(count >= 20 for count in Counter(file.split("/")[0] for _, file, _ in ROWS).values())
    assert packages() - {str(Path(file).parent) for _, file, _ in ROWS} == set()


def test_no_question_is_asked_twice():
    assert [one for one, count in Counter(question for question, _, _ in ROWS).items() if count > 1] == []

"""What the program says can be typed and read where nothing but the program is installed."""

import ast
import re

import pytest

from tests.fakes.program.cli_program import ROOT

DECIDES = "ledger/installation.py"  # which of the two a message names
TARGETS = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
MAKE = re.compile(rf"\bmake (?:{'|'.join(TARGETS)})\b")
DOCUMENT = re.compile(r"\b(?:docs/[\w/-]+\.md|README\.md|deploy/(?!Dockerfile)[\w.-]+)")
CODE = sorted(path for name in ("supervisor", "tasks", "ledger") for path in (ROOT / name).rglob("*.py"))
PAGES = sorted(path for kind in ("*.html", "*.js") for path in (ROOT / "supervisor" / "web").rglob(kind))


def told(source):
    """Every text in the code but docstrings; the parts of one that is put together are one text."""
    tree = ast.parse(source)
    silent = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            yield node.lineno, node.value


@pytest.mark.parametrize(
    ("what", "pattern"), [("a target of make", MAKE), ("a file that no wheel has", DOCUMENT)], ids=["make", "file"]
)
def test_no_message_names_what_only_a_checkout_has(what, pattern):
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text[:80]!r} names {what}"
        for path in CODE
        if str(path.relative_to(ROOT)) != DECIDES
        for line, text in told(path.read_text(encoding="utf-8"))
        if pattern.search(text)
    ]
    found += [
        f"{path.relative_to(ROOT)} names {what}"
        for path in PAGES
        if pattern.search(re.sub(r"/\*.*?\*/|\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL))
    ]
    assert len(CODE) > 300
    assert found == []


def test_such_a_message_would_be_found():
    faulty = 'def f():\n    """make run"""\n    raise NoRows(f"{x}: `make run` does it")\n'
    assert [line for line, text in told(faulty) if MAKE.search(text)] == [3]

"""The map in docs/architecture.md is the tree: every package, in the order of the layers; each arrow is an import."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent.parent
TOPS = ("supervisor", "tasks", "ledger")
TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
DOCUMENTS = ["README.md", *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md"))]
NAMED = re.compile(rf"(?<![\w./-])(?:{'|'.join(TOPS)}|tests|benchmarks|deploy|docs)/[\w./@-]*\w")
STEP = re.compile(r"`([a-z_/]+\.py)` `(\w+)`")
ARROW = re.compile(r"^│ ([\w, ]+?) +──> ([\w, ]+?) +│$", re.MULTILINE)


def listed():
    """Packages of the tables, from top to bottom."""
    return [name.rstrip("/") for name in re.findall(r"^\| `([a-z_/]+/)` \|", TEXT, re.MULTILINE)]


def packages():
    return {str(path.parent.relative_to(ROOT)) for top in TOPS for path in (ROOT / top).rglob("__init__.py")}


def layer(package, layers):
    """How far down a package stands: 0 is the highest layer of its container."""
    container, _, rest = package.partition("/")
    return next(number for number, names in enumerate(layers[container]) if rest.split("/")[0] in names.split(" | "))


@pytest.fixture(scope="module")
def layers():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    return {one["containers"][0]: one["layers"] for one in contracts if one["type"] == "layers" and "containers" in one}


def arrows():
    """Each arrow of the picture as two paths; a name of the picture is that of one package or module."""
    paths = {path.name: path for path in map(Path, sorted(packages(), key=len, reverse=True))}
    paths |= {"worker": Path("tasks/worker.py"), "settings": Path("tasks/settings.py")}
    found = ARROW.findall(TEXT)
    return [(paths[one], paths[other]) for a, b in found for one in a.split(", ") for other in b.split(", ")]


def imports(path):
    """Every module that a package or module imports, wherever in its files."""
    files = [ROOT / path] if path.suffix else (ROOT / path).rglob("*.py")
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
            elif isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)


def test_every_package_stands_in_the_map_once():
    assert sorted(listed()) == sorted(packages() - {"supervisor", "tasks"})


@pytest.mark.parametrize("top", ["supervisor", "tasks"])
def test_the_map_goes_from_top_to_bottom(top, layers):
    ranks = [layer(name, layers) for name in listed() if name.startswith(f"{top}/")]
    assert len(ranks) > 9
    assert ranks == sorted(ranks)


def test_every_arrow_of_the_picture_is_an_import():
    assert len(arrows()) > 30
    for one, other in arrows():
        name = str(other.with_suffix("")).replace("/", ".")
        assert any(f"{found}.".startswith(f"{name}.") for found in imports(one)), f"{one} does not import {other}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_picture_is_text_or_a_file(document):
    """What draws mermaid is a script of 3 MB: without it, a reader of the site is shown code."""
    assert "```mermaid" not in (ROOT / document).read_text(encoding="utf-8")


def test_every_function_that_a_way_through_the_code_names_is_in_its_file():
    steps = STEP.findall(TEXT)
    assert len(steps) > 30
    for path, name in steps:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, f"{path} {name}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_that_a_document_names_is_there(document):
    named = {name for name in NAMED.findall((ROOT / document).read_text(encoding="utf-8")) if not name.endswith(".env")}
    assert {name for name in named if not (ROOT / name).exists()} == set()  # what ends with .env is the reader's own

"""CONTRIBUTING.md names files and make targets that are there; hooks and CI run what the guide says."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent.parent
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
HOOKS = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
WORKFLOW = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
MADE_HERE = {".venv", "build"}  # by make, and in no checkout
PATH = re.compile(r"(?=.*[./]|Makefile$)[\w.-]*[A-Za-z][\w.-]*(?:/[\w.-]+)*/?")  # `.ci/run`, `docs/`, `Makefile`
PLACEHOLDER = re.compile(r"NUMBER|NAME")  # stands for what the reader chooses: there are others of that form


def spans(text):
    """What stands between backticks, blocks excepted."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))


def paths(text):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    arguments = [word for one in spans(text) for word in one.split()[1:] if "/" in word]
    named = {one for one in [*spans(text), *links, *arguments] if PATH.fullmatch(one)}
    return {one for one in named if one.split("/")[0] not in MADE_HERE}


def missing(names):
    return {name for name in names if not list(ROOT.glob(PLACEHOLDER.sub("*", name.rstrip("/"))))}


def targets(text):
    """Targets that a text tells to make, with settings before and options between."""
    code = [*spans(text), *re.findall(r"^make .*$", text, re.MULTILINE)]
    return {found[1] for one in code if (found := re.match(r"(?:[A-Z_]+=\S+ )*make (?:[A-Z_]+=\S+ )*([a-z-]+)", one))}


@pytest.fixture(scope="module")
def made():
    """The targets of the Makefile."""
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def test_every_path_that_the_guide_names_is_there():
    assert len(paths(GUIDE)) > 40
    assert missing(paths(GUIDE)) == set()


def test_every_make_target_that_the_guide_names_is_there(made):
    assert len(targets(GUIDE)) > 10
    assert targets(GUIDE) - made == set()


def test_a_wrong_path_or_target_would_be_found(made):
    wrong = "`tasks/nowhere.py` `nowhere/NAME.py` [x](docs/none.md) `.nothing` `pytest -q tests/none`"
    assert missing(paths(wrong)) == {"tasks/nowhere.py", "nowhere/NAME.py", "docs/none.md", ".nothing", "tests/none"}
    assert targets("run `make PYTHON=python3.13 nothing`") - made == {"nothing"}


def test_a_setting_is_added_in_four_files_at_most():
    section = GUIDE.partition("## Add a setting\n")[2].partition("\n## ")[0]
    by_hand = re.findall(r"^\d\. .*", section, re.MULTILINE)
    written = {"README.md", ".env.example"}
    assert written <= paths(section)
    assert 0 < len(by_hand) <= 4 - len(written)


def test_every_hook_is_a_part_of_ci_and_asks_no_other_host():
    entries = re.findall(r"^ +entry: (.*)$", HOOKS, re.MULTILINE)
    assert entries
    assert set(entries) <= set(re.findall(r"^part (make .*)$", CI, re.MULTILINE))
    assert re.findall(r"^ +- repo: (.*)$", HOOKS, re.MULTILINE) == ["local"]
    assert set(re.findall(r"^ +language: (.*)$", HOOKS, re.MULTILINE)) == {"system"}


def test_the_workflow_runs_what_ci_is_on_every_python_that_set_up_takes():
    assert re.search(r"^ +- run: \.ci/run$", WORKFLOW, re.MULTILINE)
    matrix = re.findall(r'"(3\.\d+)"', re.findall(r"^ +python: \[(.*)\]$", WORKFLOW, re.MULTILINE)[0])
    bootstrap = (ROOT / "deploy" / "bootstrap.py").read_text(encoding="utf-8")
    newer = re.findall(r'"python(3\.\d+)"', re.findall(r"^NEWER = \[(.*)\]$", bootstrap, re.MULTILINE)[0])
    assert matrix == sorted(newer, key=lambda version: int(version.partition(".")[2]))

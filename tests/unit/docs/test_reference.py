"""The reference in docs/reference is what the code says, and README.md has every exit code."""

import ast
import re

import pytest

from tasks import errors
from tests.fakes.program.cli_program import ROOT
from tests.reference_documents.event_page import written
from tests.reference_documents.fact_pages import disk_of_a_million_deals
from tests.reference_documents.pages import FOLDER, PAGES, TABLES

NAVIGATION = (ROOT / "deploy" / "site" / "mkdocs.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_made_of_the_code(name):
    assert (FOLDER / name).read_text(encoding="utf-8") == PAGES[name](), "run `make reference`"


def test_every_page_of_the_folder_is_made_and_every_document_is_in_the_navigation():
    assert {path.name for path in FOLDER.iterdir()} == {*PAGES, TABLES}
    documents = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    assert len(documents) > 20
    assert documents - set(re.findall(r": ([\w/-]+\.md)$", NAVIGATION, re.MULTILINE)) == set()


def test_every_section_of_the_readme_is_on_a_page_of_the_site():
    tree = ast.parse((ROOT / "deploy" / "site" / "pages.py").read_text(encoding="utf-8"))
    told = {
        one.target.id: ast.literal_eval(one.value)
        for one in tree.body
        if isinstance(one, ast.AnnAssign) and one.target.id in {"README_PAGES", "LEFT_OUT"}
    }
    sections = re.findall(r"^## (.+)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(sections) == sorted(
        [*(name for names in told["README_PAGES"].values() for name in names), told["LEFT_OUT"]]
    )


def test_the_calls_that_write_events_are_found():
    assert written()["call_failed"] == {("warning", "worker")}


def test_every_exit_code_is_in_the_readme():
    codes = {str(value) for name, value in vars(errors).items() if name.startswith("EXIT_")}
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Exit codes\n")[2].partition("\n## ")[0]
    listed = {code for cell in re.findall(r"^\| ([\d, ]+) \|", section, re.MULTILINE) for code in cell.split(", ")}
    assert len(codes) > 8
    assert codes <= listed


def test_the_readme_says_how_much_disk_deals_take():
    assert disk_of_a_million_deals() in (ROOT / "README.md").read_text(encoding="utf-8")

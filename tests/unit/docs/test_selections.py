"""The published schema and the examples are those that the code makes; the README describes the built-in selection."""

from __future__ import annotations

import json

import pytest

from tasks.keepa.selection.explanation import explain
from tasks.keepa.selection.selection import default_selection, for_domains
from tests.selection_documents import ROOT, documents

EXAMPLES = sorted((ROOT / "examples" / "selections").iterdir())


def test_the_files_are_those_that_make_selections_writes():
    assert {path: path.read_text(encoding="utf-8") for path in documents()} == documents()
    assert set(EXAMPLES) == {path for path in documents() if path.parent.name == "selections"}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_each_example_is_valid_has_comments_and_finds_its_schema(path):
    text = path.read_text(encoding="utf-8")
    (selection,) = for_domains(text, name=path.stem, domains=(1,))
    assert selection.notes == ()
    assert len(json.loads(text)["$comment"]) > 2
    assert (path.parent / json.loads(text)["$schema"]).resolve() == ROOT / "docs" / "selection.schema.json"


def test_the_readme_says_what_the_built_in_selection_asks_for():
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    sentence, conditions = explain(default_selection(1))
    assert sentence in readme
    assert [one for one in conditions if one not in readme] == []

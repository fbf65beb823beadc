"""The glossary is short, sorted, and has only words that code or documents use."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent.parent
GLOSSARY = ROOT / "docs" / "glossary.md"
ENTRIES = re.findall(r"^- \*\*(.+?)\*\*: (.+)$", GLOSSARY.read_text(encoding="utf-8"), re.MULTILINE)
WORDS = [word for word, _ in ENTRIES]
MOST = 25
MOST_SENTENCES = 2


@pytest.fixture(scope="module")
def prose():
    """All code of the product and all documents, as words: `price_series` and `PageSpool` are two words each."""
    files = [ROOT / "README.md", *(path for path in (ROOT / "docs").glob("*.md") if path != GLOSSARY)]
    for top in ("supervisor", "tasks", "ledger"):
        files += [path for suffix in ("py", "sql") for path in (ROOT / top).rglob(f"*.{suffix}")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    return re.sub(r"[\W_]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)).lower()


def test_the_glossary_is_short_sorted_and_has_each_word_once():
    assert 0 < len(WORDS) <= MOST
    assert sorted(set(WORDS)) == WORDS
    assert len(ENTRIES) == GLOSSARY.read_text(encoding="utf-8").count("\n- "), "an entry has another form"


@pytest.mark.parametrize("word", WORDS)
def test_every_word_of_the_glossary_is_used(word, prose):
    assert re.search(rf"\b{word}(?:e?s)?\b", prose)


@pytest.mark.parametrize(("word", "meaning"), ENTRIES)
def test_every_meaning_is_one_or_two_sentences(word, meaning):
    assert meaning.endswith("."), word
    assert len(re.findall(r"\.(?: |$)", meaning)) <= MOST_SENTENCES, word


@pytest.mark.parametrize("document", ["README.md", "docs/architecture.md"])
def test_the_glossary_is_linked(document):
    assert re.search(r"\]\((?:docs/)?glossary\.md\)", (ROOT / document).read_text(encoding="utf-8"))

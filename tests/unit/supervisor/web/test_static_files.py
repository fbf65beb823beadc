"""The files that every page needs: small, and known by their content."""

import gzip
import hashlib
from pathlib import Path

import supervisor.web
from supervisor.web.static_files import StaticFiles

FOLDER = Path(supervisor.web.__file__).parent / "static"


def test_the_address_of_a_file_has_the_hash_of_its_content():
    files = StaticFiles()
    path = files.path("app.js")
    found = files.find(path)
    assert hashlib.sha256(found.content).hexdigest()[:12] in path
    assert gzip.decompress(found.packed) == found.content
    assert files.find("/static/app.js") is None


def test_all_files_together_are_at_most_45_kb_packed():
    files = StaticFiles()
    assert sum(len(file.packed) for file in files._by_path.values()) <= 45_000
    assert len(files.find(files.path("app.js")).packed) <= 12_000
    assert len(files.find(files.path("app.css")).packed) <= 6_000


def test_our_own_code_has_no_way_to_make_html_of_text():
    code = (FOLDER / "app.js").read_text()
    for name in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "DOMParser",
    ):
        assert name not in code


def test_no_template_lets_anything_through_unescaped():
    for template in (FOLDER.parent / "templates").rglob("*.html"):
        text = template.read_text()
        assert "|safe" not in text.replace(" ", "")
        assert "autoescape" not in text
        assert "style=" not in text, "the policy of the page forbids it"

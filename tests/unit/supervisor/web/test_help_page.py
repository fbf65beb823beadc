"""Help: every word of the glossary, and the operations as they are written, whatever stands in them."""

from pathlib import Path

from supervisor.web.pages import help_page

DOCS = Path(__file__).parents[4] / "docs"


def test_every_word_of_the_glossary_is_there():
    lines = [line for line in (DOCS / "glossary.md").read_text().splitlines() if line.startswith("- ")]
    assert len(help_page.glossary()) == len(lines)
    assert "drift" in dict(help_page.glossary())


def test_every_heading_of_the_operations_can_be_linked_to_and_no_link_leads_away():
    html = str(help_page.operations())
    headings = [line for line in (DOCS / "operations.md").read_text().splitlines() if line.startswith("## ")]
    assert html.count("<h2 id=") == len(headings)
    assert 'id="the-page"' in html
    assert "http://" not in "".join(part.partition('"')[0] for part in html.split('href="')[1:])
    for target in {part.partition('"')[0] for part in html.split('href="#')[1:]}:
        assert f'id="{target}"' in html

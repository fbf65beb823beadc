"""Which pages of docs/reference are made from the code; `make reference` writes them."""

from pathlib import Path

from tests.reference_documents.command_pages import command_page, simulator_page
from tests.reference_documents.event_page import event_page
from tests.reference_documents.fact_pages import limit_page, metric_page, selection_page
from tests.reference_documents.json_page import json_page

FOLDER = Path(__file__).resolve().parent.parent.parent / "docs" / "reference"
TABLES = "tables.md"  # needs a database
PAGES = {
    "commands.md": command_page,
    "events.md": event_page,
    "json.md": json_page,
    "limits.md": limit_page,
    "metrics.md": metric_page,
    "selections.md": selection_page,
    "simulator.md": simulator_page,
}

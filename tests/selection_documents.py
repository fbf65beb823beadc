"""The JSON Schema of a selection file and the examples, made from the code. `make selections` writes them."""

import json
from pathlib import Path

from supervisor.selections.examples import EXAMPLES
from supervisor.selections.files import as_text
from tasks.keepa.selection.json_schema import json_schema

ROOT = Path(__file__).resolve().parent.parent


def documents():
    """The contents of each file, by its path."""
    schema = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    examples = {
        ROOT / "examples" / "selections" / f"{name}.json": as_text(one) + "\n" for name, one in EXAMPLES.items()
    }
    return {ROOT / "docs" / "selection.schema.json": schema, **examples}


if __name__ == "__main__":
    for path, text in documents().items():
        path.write_text(text, encoding="utf-8")

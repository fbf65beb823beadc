"""Markdown of the reference: tables, and text that means nothing in Markdown."""

NOTE = "<!-- Made from the code by `make reference`: change it there. -->\n"


def page(title, *parts):
    """A page: its title, and paragraphs, tables and sections."""
    return "\n".join([f"# {title}\n", NOTE, *(part.rstrip("\n") + "\n" for part in parts if part)])


def table(heads, rows):
    """A table; empty without rows."""
    lines = [_row(heads), _row(["---"] * len(heads)), *map(_row, rows)]
    return "\n".join(lines) + "\n" if len(lines) > 2 else ""


def code(text):
    """The text as code; empty for none."""
    return f"`{text}`" if text else ""


def _row(cells):
    return "| " + " | ".join(" ".join(str(cell).split()).replace("|", r"\|") for cell in cells) + " |"


def plain(text):
    """A text of a person in one line, none of it taken for HTML or emphasis."""
    return " ".join(str(text).split()).replace("<", "&lt;").replace("*", r"\*").replace("_", r"\_")

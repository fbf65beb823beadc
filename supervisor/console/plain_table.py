"""Makes the tables of the live view: without lines around the cells, and with quiet headings."""

from __future__ import annotations

from rich.table import Table


def plain_table(*names: str) -> Table:
    """An empty table with columns of these names."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", expand=False)
    for name in names:
        table.add_column(name, no_wrap=True)
    return table

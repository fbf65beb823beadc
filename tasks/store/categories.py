"""Names of the root categories, which every page of deals lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.store.quarantine import storable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.store.connection import Connection

_NAME_CHARS: Final = 200
_INT8: Final = range(-(2**63), 2**63)

# Every page repeats them: a known name is not written again. In the order of the key, so that two pages at once do not
# wait for each other in a circle.
_WRITE: Final = """
INSERT INTO categories AS t (domain, id, name)
SELECT DISTINCT ON (told.id) %(domain)s::smallint, told.id, told.name
FROM unnest(%(ids)s::bigint[], %(names)s::text[]) AS told (id, name)
WHERE told.name <> '' AND NOT EXISTS (
    SELECT FROM categories AS k WHERE k.domain = %(domain)s AND k.id = told.id AND k.name = told.name
)
ORDER BY told.id
ON CONFLICT (domain, id) DO UPDATE SET name = excluded.name
"""


def write(conn: Connection, domain: int, ids: Sequence[int], names: Sequence[str]) -> None:
    """Keep what each category is called, in the caller's transaction.

    What cannot be stored is left out or mended: a name must not cost the page it came with.
    """
    told = [(one, storable(name, _NAME_CHARS)) for one, name in zip(ids, names, strict=False) if one in _INT8]
    if told:
        about = {"domain": domain, "ids": [one for one, _ in told], "names": [name for _, name in told]}
        conn.execute(_WRITE, about, prepare=False)

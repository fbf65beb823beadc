"""What could not be used, kept with its reason: nothing that was paid for is dropped silently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from tasks.store.connection import Connection

Kind = Literal["deal", "product", "request", "body"]

REASON_CHARS: Final = 2000
_KEY_CHARS: Final = 200
NO_DOMAIN: Final = 0

# The same fault comes again with every poll: it is counted, not repeated.
_ADD: Final = """
INSERT INTO quarantine (kind, domain, key, reason, raw) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (kind, domain, key, md5(reason)) DO UPDATE SET
    raw = excluded.raw, last_at = now(), times = quarantine.times + 1
"""


def add(conn: Connection, *, kind: Kind, key: str, reason: str, raw: bytes | None, domain: int | None = None) -> None:
    """Keep `raw` and why it was refused, in the caller's transaction.

    Args:
        conn: the connection.
        kind: what was refused.
        key: what it is about, such as an ASIN; made storable and short.
        reason: why; likewise.
        raw: the bytes as received, None when there are none.
        domain: the locale, if it belongs to one.
    """
    conn.execute(
        _ADD,
        (
            kind,
            domain if domain is not None else NO_DOMAIN,
            storable(key, _KEY_CHARS),
            storable(reason, REASON_CHARS),
            raw,
        ),
    )


def storable(text: str, most: int) -> str:
    """The first `most` characters of `text`, without what PostgreSQL refuses in any text.

    A quarantine that refused would lose the evidence.
    """
    return text[:most].replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")

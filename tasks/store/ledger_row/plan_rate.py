"""What the plan of an account earns, beside its ledger: for whoever decides how many hosts there should be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.store.ledger_row.statements import signed

if TYPE_CHECKING:
    from tasks.store.connection import Connection

_TELL: Final = """
UPDATE ledgers SET tokens_a_minute = %(rate)s
WHERE account = %(account)s AND tokens_a_minute IS DISTINCT FROM %(rate)s
"""


def tell(conn: Connection, account: int, tokens_a_minute: float) -> None:
    """Note what the plan of this account earns; nothing is written when that is known."""
    conn.execute(_TELL, {"account": signed(account), "rate": tokens_a_minute})

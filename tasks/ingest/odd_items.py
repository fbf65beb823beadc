"""What in one reply was not as it should be although the reply is used: fields that do not fit, items nobody asked for.

Each kind is logged once a reply, and kept with one item's bytes as its example: the items are in their tables.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from tasks.store import quarantine

if TYPE_CHECKING:
    from tasks.calls.spool_header import Header
    from tasks.keepa.decode.item import OddItem
    from tasks.runtime.log import Logger
    from tasks.store.connection import Connection

ODD: Final = "odd"  # in the key of an example
MAX_KINDS: Final = 20  # examples kept of one reply
MAX_LOGGED: Final = 5


class OddItems:
    """Collects it for one reply; `begin` again whenever its transaction does."""

    def __init__(self, log: Logger, header: Header) -> None:
        self._logger = log
        self.header = header
        self.odd: list[OddItem] = []
        self.unasked = 0

    def begin(self) -> None:
        """Forget what an attempt that was rolled back has found."""
        self.odd = []
        self.unasked = 0

    def keep(self, connection: Connection) -> None:
        """Keep an example of each kind, in the caller's transaction."""
        examples: dict[str, bytes] = {}
        for odd in self.odd:
            for note in odd.notes:
                examples.setdefault(note, odd.raw)
        endpoint, domain = self.header.endpoint, self.header.origin.domain
        for note, raw in list(examples.items())[:MAX_KINDS]:
            quarantine.add(connection, kind="body", key=f"{endpoint} {ODD}", reason=note, raw=raw, domain=domain)

    def log(self) -> None:
        """Say it in the log, once what was found is committed."""
        kinds = Counter(note for odd in self.odd for note in odd.notes)
        if kinds:
            kinds_text = "; ".join(f"{note} ({count})" for note, count in kinds.most_common(MAX_LOGGED))
            self._logger.warning(
                "items_odd", endpoint=self.header.endpoint, items=len(self.odd), kinds=len(kinds), most=kinds_text
            )
        if self.unasked:
            self._logger.warning("not_asked_for", endpoint=self.header.endpoint, left_out=self.unasked)

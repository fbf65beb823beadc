"""The orders that a run was given, with who gave them and what came of them, for `status` and the page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from supervisor.report import OrderRecord
from tasks.errors import clean

if TYPE_CHECKING:
    from collections.abc import Callable

KEPT: Final = 100
_LONGEST_MARK: Final = 60  # characters


class OrderLog:
    """The last orders of one run."""

    def __init__(self) -> None:
        self._records: list[OrderRecord] = []
        self._awaited = 0

    @property
    def is_awaited(self) -> bool:
        """Whether an order is being carried out that whoever gave it waits for."""
        return self._awaited > 0

    def begin(self, order: str, by: str, *, mark: str = "", is_awaited: bool = False) -> Callable[[int, str], None]:
        """Keep an order that was just given; what is returned is called once, with the code and words of its answer."""
        self._awaited += is_awaited
        asked = OrderRecord(at=_now(), by=by, order=order, mark=clean(mark)[:_LONGEST_MARK])
        self._records = [*self._records[-KEPT + 1 :], asked]

        def answered(code: int, words: str) -> None:
            self._awaited -= is_awaited
            done = msgspec.structs.replace(asked, code=code, words=words, answered_at=_now())
            self._records = [done if one is asked else one for one in self._records]

        return answered

    def records(self) -> tuple[OrderRecord, ...]:
        """The orders, oldest first."""
        return tuple(self._records)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")

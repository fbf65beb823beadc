"""How long a host waits for another one that it must not work beside: until that is dead, or long enough. Pure."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from tasks.store.ledger_row.hosts import Host

WAIT_S: Final = 20.0  # longer than a dead host counts as alive


class Verdict(Enum):
    """What to do about the other host."""

    WAIT = "wait"
    DEAD = "dead"  # it has not beaten while it was waited for; said once of each beat
    REFUSE = "refuse"


class RivalWait:
    """The wait of one host. Times are seconds by a clock of its machine that nobody sets."""

    def __init__(self) -> None:
        """Nobody is waited for yet."""
        self._since_s: float | None = None
        self._beat: tuple[int, datetime] | None = None
        self._beat_s = 0.0
        self._is_noted = False

    def judge(self, rival: Host, now_s: float) -> Verdict:
        """What to do, now that this host was found in the way once more."""
        beat = (rival.number, rival.beat_at)
        if self._beat is not None and self._beat[0] != rival.number:
            self._since_s = None  # each is waited for
        if beat != self._beat:
            self._beat, self._beat_s, self._is_noted = beat, now_s, False
        if self._since_s is None:
            self._since_s = now_s
        if now_s - self._beat_s >= WAIT_S and not self._is_noted:
            self._is_noted = True
            return Verdict.DEAD
        return Verdict.REFUSE if now_s - self._since_s >= WAIT_S else Verdict.WAIT

"""How long a host waits for others that it must not work beside: until they are dead, or long enough. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tasks.store.ledger_row.beat_watch import BeatWatch
from tasks.store.ledger_row.statements import TTL_S

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tasks.store.ledger_row.hosts import Host

WAIT_S: Final = 20.0  # longer than a dead host counts as alive
# Until all is judged at the latest: one that has been silent for TTL_S by then beats again or is dead at WAIT_S.
LONGEST_S: Final = WAIT_S + (WAIT_S - TTL_S)


class Judgement(NamedTuple):
    """What to do about the others.

    Attributes:
        dead: have not beaten while they were waited for; each is said once.
        in_the_way: one that is waited for; None when all of them are dead.
        is_final: whether it was waited for long enough, and it still beats, or is in the way although noted as dead.
    """

    dead: list[Host]
    in_the_way: Host | None = None
    is_final: bool = False


class RivalWait:
    """The wait of one host. Times are seconds by a clock of its machine that nobody sets."""

    def __init__(self) -> None:
        """Nobody is waited for yet."""
        self._beats = BeatWatch()
        self._noted: set[tuple[int, datetime]] = set()

    def judge(self, rivals: Sequence[Host], now_s: float) -> Judgement:
        """What to do, now that these hosts were found in the way once more; to be asked at least every few seconds.

        All are waited for at once. While the database was away nobody could beat, so the wait begins anew after that.
        """
        self._beats.look(rivals, now_s)
        dead = [one for one in rivals if self._beats.unchanged_s(one) >= WAIT_S and _beat(one) not in self._noted]
        self._noted |= {_beat(one) for one in dead}
        others = [self._beats.heard(one) for one in rivals if one not in dead]
        final = next((one for one in others if self._is_final(one)), None)
        return Judgement(dead, final or next(iter(others), None), final is not None)

    def _is_final(self, rival: Host) -> bool:
        is_heard = self._beats.unchanged_s(rival) < TTL_S or _beat(rival) in self._noted
        return self._beats.watched_s(rival) >= WAIT_S and is_heard


def _beat(host: Host) -> tuple[int, datetime]:
    return (host.number, host.beat_at)

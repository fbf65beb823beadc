"""Pure: when a call that failed may be made again, by what it asks for.

The server may have charged a call whose answer got lost or was replaced on its way, and charges it again. So the same
request goes out at most twice in its first half minute and then ever more rarely, however long the trouble lasts. What
never left, or is free, may be tried more often: the return of a server is noticed by that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ledger import NS_PER_S

if TYPE_CHECKING:
    import random

AGAIN_S: Final = (3.0, 6.0)  # most failures are over by then
RARELY_S: Final = 30.0  # the third time; from then on the pause doubles
LONGEST_S: Final = 900.0
SOON_S: Final = 0.5  # what cost nothing; doubles as well
LONGEST_SOON_S: Final = 10.0  # so that the return is noticed well within 20 s
HICCUPS: Final = 1  # failures in a row that are not reported
_FORGET_NS: Final = 120 * NS_PER_S  # after which nobody seems to want that any more
_MAX_DOUBLINGS: Final = 20  # far above what any pause needs, and no number grows without bound


@dataclass
class _Failing:
    """One request that fails: how often it was sent, how often it came to nothing for free, and until when it waits."""

    why: str = ""
    sent: int = 0
    free: int = 0
    recent: int = 0  # failures since the server was last seen to be back
    began_ns: int = 0  # when the first of these was made
    until_ns: int = 0
    sent_ns: int = 0


class RetrySchedule:
    """What fails now. Times are nanoseconds of one clock; `chance` spreads the pauses of a fleet."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._failing: dict[str, _Failing] = {}

    def failed(
        self, what: str, why: str, now_ns: int, *, may_be_charged: bool, lasted_s: float = 0.0, is_hiccup: bool = True
    ) -> int:
        """Count a failure of the request named `what`; when it may be made again.

        Args:
            what: names it.
            why: what happened.
            now_ns: when it failed.
            may_be_charged: whether it was sent.
            lasted_s: seconds before that in which it was under way.
            is_hiccup: whether it may be a single one that is not worth a report.
        """
        one = self._failing.setdefault(what, _Failing())
        one.why = why
        if not one.recent:
            one.began_ns = now_ns - round(lasted_s * NS_PER_S)
        one.recent += 1 if is_hiccup else 1 + HICCUPS
        if may_be_charged:
            one.sent += 1
            one.free = 0
            one.sent_ns = now_ns
            pause_s = charged_pause_s(one.sent, self._chance)
        else:
            one.free += 1
            pause_s = free_pause_s(one.free, self._chance)
        one.until_ns = max(one.until_ns, now_ns + round(pause_s * NS_PER_S))
        return one.until_ns

    def until_ns(self, what: str, now_ns: int) -> int | None:
        """When that request may be made; None if now."""
        one = self._failing.get(what)
        return None if one is None or one.until_ns <= now_ns else one.until_ns

    def why(self, what: str) -> str:
        """What happened to it last."""
        one = self._failing.get(what)
        return "" if one is None else one.why

    def knows(self, what: str) -> bool:
        """Whether a failure of that request is remembered."""
        return what in self._failing

    def answered(self, what: str) -> None:
        """Forget the failures of the request: it was answered."""
        self._failing.pop(what, None)

    def returned(self, now_ns: int) -> None:
        """Let what was sent in vain long enough ago be tried at once: the server is back."""
        for one in self._failing.values():
            rested_ns = one.sent_ns + round(RARELY_S * NS_PER_S) if one.sent else now_ns
            one.until_ns = min(one.until_ns, max(now_ns, rested_ns))
            one.recent = 0

    def hold(self, what: str, why: str, until_ns: int) -> None:
        """Let the request wait for another reason than a failure."""
        self._failing[what] = _Failing(why=why, until_ns=until_ns)

    def problem(self, now_ns: int) -> str | None:
        """Why, if more fails than a hiccup; what nobody has asked for since its pause is forgotten."""
        for what in [what for what, one in self._failing.items() if one.until_ns + _FORGET_NS < now_ns]:
            del self._failing[what]
        recent = [one for one in self._failing.values() if one.recent]
        return recent[-1].why if sum(one.recent for one in recent) > HICCUPS else None

    def since_ns(self, now_ns: int) -> int:
        """When the first of the requests that fail now was made; `now_ns` when none does."""
        return min((one.began_ns for one in self._failing.values() if one.recent), default=now_ns)


def charged_pause_s(sent: int, chance: random.Random) -> float:
    """Seconds after the `sent`th time that a request went out in vain."""
    if sent <= 1:
        return chance.uniform(*AGAIN_S)
    return min(LONGEST_S, RARELY_S * 2.0 ** min(sent - 2, _MAX_DOUBLINGS)) * chance.uniform(1.0, 1.25)


def free_pause_s(tried: int, chance: random.Random) -> float:
    """Seconds after the `tried`th time in a row that a request came to nothing at no cost."""
    return min(LONGEST_SOON_S, SOON_S * 2.0 ** min(tried - 1, _MAX_DOUBLINGS)) * chance.uniform(0.5, 1.0)

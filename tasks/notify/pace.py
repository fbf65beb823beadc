"""When notices become messages: quiet hours, the digest and the hourly limit hold them back, and lose none. Pure.

What had to wait comes together in one message.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.rule_settings import Pace

HOUR: Final = timedelta(hours=1)
_DAY_MINUTES: Final = 24 * 60
_FRESH: Final = timedelta(minutes=1)  # notices that are older were held back, and come in one message
MOST_TOGETHER: Final = 500  # notices in one message


class Plan(NamedTuple):
    """What to do with the notices that wait.

    Attributes:
        sizes: how many of them, the oldest first, make up each of the messages to be made now.
        until: when to look again at the latest; None when nothing is left.
    """

    sizes: tuple[int, ...]
    until: datetime | None = None


def plan(waiting: Sequence[datetime], made: Sequence[datetime], pace: Pace, now: datetime) -> Plan:
    """What to do `now` with notices of those times, the oldest first, after messages were made at the times `made`."""
    if not waiting:
        return Plan(())
    quiet_until = quiet_end(pace, now)
    if quiet_until is not None:
        return Plan((), quiet_until)
    digest_at = waiting[0] + timedelta(seconds=pace.digest_s)
    if pace.digest_s and now < digest_at:
        return Plan((), digest_at)
    recent = sorted(at for at in made if at > now - HOUR)
    room = pace.at_most - len(recent)
    if room <= 0:
        return Plan((), recent[-pace.at_most] + HOUR)
    if pace.digest_s or len(waiting) > room or now - waiting[0] > _FRESH:
        return _together(len(waiting), room, now)
    return Plan((1,) * len(waiting))


def _together(count: int, room: int, now: datetime) -> Plan:
    """As few messages as hold them all; what no message has room for waits."""
    sizes = [min(MOST_TOGETHER, count - at) for at in range(0, count, MOST_TOGETHER)][:room]
    return Plan(tuple(sizes), None if sum(sizes) == count else now)


def quiet_end(pace: Pace, now: datetime) -> datetime | None:
    """When the quiet hours end in which `now` is; None outside of them."""
    if pace.quiet is None:
        return None
    local = now.astimezone(ZoneInfo(pace.zone) if pace.zone else None)
    begins, ends = pace.quiet
    minute = local.hour * 60 + local.minute
    if (minute - begins) % _DAY_MINUTES >= (ends - begins) % _DAY_MINUTES:
        return None
    left = timedelta(minutes=(ends - minute) % _DAY_MINUTES)
    return (local.replace(second=0, microsecond=0) + left).astimezone(UTC)

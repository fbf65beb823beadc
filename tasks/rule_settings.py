"""What people are told of and where: rules and their targets, checked, as the process that sends messages gets them."""

from __future__ import annotations

import hashlib
from typing import Any, Literal

import msgspec

from tasks.secret import Secret


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How often people are told.

    Attributes:
        at_most: messages in any hour; what is above that waits and comes in one message.
        again_s: seconds in which a product is told again only at a price that nobody was told in that time.
        digest_s: seconds for which notices are collected into one message; 0 to tell each at once.
        quiet: between these minutes of the day nothing is sent; None to send at any time.
        zone: the time zone of `quiet`, by its name in the IANA database; empty for that of the machine.
    """

    at_most: int = 20
    again_s: float = 86_400.0
    digest_s: float = 0.0
    quiet: tuple[int, int] | None = None
    zone: str = ""


class RuleSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One rule. `name` is the name of its file without the ending.

    Attributes:
        deals: what must happen to a deal that meets the conditions (`tasks.notify.rule.EVENTS`).
        followed: what must happen to a product of people's own lists, deal or not (`EVENTS`, likewise).
        alarms: what must happen to the run (`ALARMS`, likewise).
        degraded_s: seconds for which something must keep the run from its work before `degraded` is told.
        drift: tokens that somebody else has spent within an hour, at which `drift` is told.
        to: names of the targets.
        conditions: the words of `deals` and their values, checked: the names of the fields of a filter.
    """

    name: str
    to: tuple[str, ...]
    deals: tuple[str, ...] = ()
    followed: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()
    degraded_s: float = 600.0
    drift: int = 100
    conditions: dict[str, Any] = {}
    pace: Pace = Pace()

    @property
    def digest(self) -> str:
        """Twelve hex digits that stay the same while the rule selects the same deals."""
        text = msgspec.json.encode(sorted(self.conditions.items()))
        return hashlib.blake2b(text, digest_size=6).hexdigest()


class TargetSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One target.

    Attributes:
        way: a POST of JSON that is signed, a program of the user's, or a service that Apprise knows.
        url: where to, in Apprise's own form for one of its services.
        secret: what the POST is signed with; empty for none.
        command: the program with its arguments.
    """

    name: str
    way: Literal["webhook", "command", "apprise"]
    url: Secret = Secret("")
    secret: Secret = Secret("")
    command: tuple[str, ...] = ()

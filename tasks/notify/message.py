"""What people are told: notices, messages made of them, and both as text and as JSON. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tasks.notify.rule import BACK, DROP, NEW, RISE

if TYPE_CHECKING:
    from collections.abc import Sequence

_SHOWN: Final = 20  # notices that a text lists; programs get all of them
_TITLE_CHARS: Final = 120
_EVENTS: Final = {NEW: "New match", DROP: "Price drop", RISE: "Price rise", BACK: "Back in stock"}


class DealNotice(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="deal", omit_defaults=False):
    """That something has happened to a deal. Amounts are text in money of the shop, times are UTC in ISO 8601.

    Attributes:
        price_before: what the rule knew before; None when it knew nothing.
        average: the mean that the rule compares with; None without one.
    """

    event: str
    rule: str
    domain: int
    shop: str
    asin: str
    title: str
    price_type: str
    price: str
    currency: str
    price_before: str | None
    average: str | None
    discount_percent: int | None
    url: str
    at: str

    def line(self) -> str:
        """The notice in one line, without its address."""
        was = "" if self.price_before is None else f", before {self.price_before}"
        mean = "" if self.average is None else f", {self.discount_percent}% below the mean of {self.average}"
        return f"{_EVENTS[self.event]}: {self.name} for {self.price} {self.currency}{was}{mean}"

    @property
    def name(self) -> str:
        """What the product is called; the title was written by strangers."""
        words = " ".join("".join(c if c.isprintable() else " " for c in self.title).split())
        return words[:_TITLE_CHARS] or self.asin

    def text(self) -> str:
        """The notice with its address."""
        return f"{self.line()}\n{self.url}"


class AlarmNotice(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="alarm"):
    """That something is wrong with the run, or is over. `since` is UTC in ISO 8601, `host` says whose run it is."""

    alarm: str
    rule: str
    is_over: bool
    words: str
    since: str
    host: str

    def line(self) -> str:
        """The notice in one line."""
        return f"{'Over' if self.is_over else 'Alarm'} ({self.host}): {self.words}"

    def text(self) -> str:
        """The notice with its beginning."""
        return f"{self.line()}\nSince {self.since}"


class TrialNotice(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="test"):
    """What `notify test` sends."""

    rule: str = ""
    words: str = "Sluicegate reaches you here."

    def line(self) -> str:
        """The notice in one line."""
        return self.words

    def text(self) -> str:
        """The same."""
        return self.words


Notice = DealNotice | AlarmNotice | TrialNotice


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent at once to one target. A repeat has the same `id`."""

    id: str
    rule: str
    made_at: str
    notices: tuple[Notice, ...]

    def subject(self) -> str:
        """Its title."""
        if len(self.notices) == 1:
            return self.notices[0].line()
        return f"{len(self.notices)} notices of the rule {self.rule}"

    def text(self) -> str:
        """Its body for people."""
        more = len(self.notices) - _SHOWN
        parts = [one.text() for one in self.notices[:_SHOWN]]
        return "\n\n".join([*parts, f"and {more} more"] if more > 0 else parts)

    def json(self) -> bytes:
        """All of it, for programs: what a webhook and a command get."""
        return msgspec.json.encode({"type": "sluicegate.notices", "timestamp": self.made_at, "data": self})


NOTICE: Final = msgspec.json.Decoder(Notice)
MESSAGE: Final = msgspec.json.Decoder(Message)


def encoded(notices: Sequence[Notice]) -> list[str]:
    """Each notice as JSON."""
    return [msgspec.json.encode(one).decode() for one in notices]

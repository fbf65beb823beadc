"""What the commands `notify` print with `--json`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from supervisor.queries.printing.output import Output


class RuleOutput(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that tells people of deals, of products that they follow, or of alarms.

    Attributes:
        to: names of targets.
        conditions: those of its deals, as the rule has them.
        at_most: messages an hour.
        again_after_s: seconds until the same is told again.
        digest_s: seconds between two messages that gather what came; 0 when each comes at once.
        deals_now: followed products that meet it now, or deals, counted up to 1,000; null while there is no database.
    """

    rule: str
    deals: tuple[str, ...]
    followed: tuple[str, ...]
    alarms: tuple[str, ...]
    to: tuple[str, ...]
    conditions: dict[str, Any]
    at_most: int
    again_after_s: float
    digest_s: float
    deals_now: int | None


class RulesOutput(Output, frozen=True, kw_only=True):
    """The rules, and the names of the targets."""

    rules: tuple[RuleOutput, ...]
    targets: tuple[str, ...]
    notes: tuple[str, ...]


class TargetOutput(msgspec.Struct, frozen=True, kw_only=True):
    """A target: what waits for it, what it was sent, and since when and why it refuses messages if it does."""

    target: str
    way: str
    waiting: int
    sent_in_24_h: int
    last_at: datetime | None
    refused_since: datetime | None
    why: str | None


class TargetsOutput(Output, frozen=True, kw_only=True):
    """The targets of messages."""

    targets: tuple[TargetOutput, ...]


class TriedTarget(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a target accepts a message, and why not."""

    target: str
    accepted: bool
    why: str | None


class TrialOutput(Output, frozen=True, kw_only=True):
    """What became of the message that each target was sent."""

    targets: tuple[TriedTarget, ...]

"""What keeps a worker from its work although it runs: each condition is part of its heartbeats until it is over.

A worker that waits for something outside of itself is neither dead nor hung, and all the same nothing gets done.
Whoever watches must see that at once, since when and why.
"""

from __future__ import annotations

from typing import Literal

import msgspec

ConditionKind = Literal[
    "database",  # PostgreSQL is unavailable, read only, full, or will not do this now
    "calls",  # calls to the API fail, or what answers is not the API
    "refusals",  # the API refuses different items one after the other
    "replies",  # most of what is paid for cannot be used
    "spool",  # replies cannot be written to the spool, so no calls are made
    "balance",  # nothing usable has been learned of the tokens for long
    "key",  # the key is refused, and it is not certain yet that the API itself says so; of one of several: "key NAME"
    "lists",  # a list of products cannot be read
    "sources",  # the API refuses a source of products, or it costs more than there can ever be
    "hosts",  # another host is silent, or this one must not work beside it
    "workers",  # a worker is suspended, or silent although the wait it promised is over
    "notify",  # a target does not accept messages
    "state",  # the supervisor cannot write into the state directory
]


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """One condition.

    `kind` is a `ConditionKind`, followed by the name of the key where it is of one key of several. `since` is its
    beginning in UTC as ISO 8601; `why` is a sentence without secrets. `late_s` is how many seconds it had lasted when
    it was first reported.
    """

    kind: str
    since: str
    why: str
    late_s: float = 0.0

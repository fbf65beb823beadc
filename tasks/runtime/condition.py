"""What keeps a worker from its work although it runs: each is told with its beats until it is over.

A worker that waits for something outside of itself is neither dead nor hung, and all the same nothing gets done.
Whoever watches must see that at once, since when and why.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal[
    "database",  # PostgreSQL is away, read only, full, or will not do this now
    "calls",  # calls to the API fail, or what answers is not the API
    "refusals",  # the API refuses different items one after the other
    "replies",  # most of what is paid for cannot be used
    "spool",  # replies cannot be kept on disk, so nothing is paid for
    "balance",  # nothing usable has been learned of the tokens for long
    "key",  # the key is refused, and it is not certain yet that the API itself says so
    "state",  # the supervisor cannot write into the state directory
]


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """One of them. `since` is its beginning in UTC as ISO 8601; `why` is a sentence without secrets.

    `late_s` is how long it had lasted when it was first told.
    """

    kind: Kind
    since: str
    why: str
    late_s: float = 0.0

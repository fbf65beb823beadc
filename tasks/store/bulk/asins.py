"""How a statement names the many ASINs of a batch. Pure."""

from __future__ import annotations

from typing import Final

# A list that stands there as it is makes the planner weigh every ASIN of it, for each part of a table in partitions
# anew, and take so many for a reason to read small parts from end to end. A list that it does not see is looked for by
# the key at once. Of 150 deals in 16 parts that takes a third of the time, and of those in a whole table the same.
AMONG: Final = "ANY((SELECT %s::text[])::text[])"
"""What an ASIN is compared with, to be one of a list that is given."""

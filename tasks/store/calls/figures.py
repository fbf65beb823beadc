"""What is summed of calls, as SQL: the same for the sums by hour and for calls that are read one by one."""

from __future__ import annotations

from typing import Final, LiteralString

from tasks.settings import DEFAULT_KEY

# Of rows as `calls` has them. Only of calls whose cost is known can the estimate be compared with it.
FIGURES: Final[dict[LiteralString, LiteralString]] = {
    "calls": "count(*)",
    "items": "coalesce(sum(items) FILTER (WHERE status = 200), 0)",
    "rows": "sum(rows)",
    "tokens": "coalesce(sum(cost), 0)",
    "estimate": "coalesce(sum(estimate) FILTER (WHERE status = 200 AND cost IS NOT NULL), 0)",
    "cost": "coalesce(sum(cost) FILTER (WHERE status = 200), 0)",
    "refused": "count(*) FILTER (WHERE status = 429)",
    "failed": "count(*) FILTER (WHERE status IS DISTINCT FROM 200 AND status IS DISTINCT FROM 429)",
    "unknown": "count(*) FILTER (WHERE cost IS NULL)",
    "unknown_tokens": "coalesce(sum(estimate) FILTER (WHERE cost IS NULL), 0)",
    "waited_s": "sum(waited_s)",
    "duration_s": "sum(duration_s)",
}
NAMES: Final[LiteralString] = ", ".join(FIGURES)
OF_CALLS: Final[LiteralString] = ", ".join(f"{expression} AS {name}" for name, expression in FIGURES.items())


def of_key(key: str | None) -> LiteralString:
    """The condition of the calls of the key of that name, which is the parameter `key`; none of those of all keys.

    Calls from before keys had names were of the one key there was. Of the others an index has the time of each.
    """
    if key is None:
        return ""
    return f"AND account IN ('', '{DEFAULT_KEY}')" if key == DEFAULT_KEY else "AND account = %(key)s"


def hour(time: LiteralString) -> LiteralString:
    """The beginning of the hour, in UTC, of the SQL expression `time`."""
    return f"date_bin('1 hour', {time}, timestamptz 'epoch')"

"""What people are to be told: notices that are in no message yet, and messages until each target has accepted them.

A message is made in the transaction that removes its notices, and is marked as sent after its target has accepted it.
So a kill loses none, and repeats only what was being sent at that moment, under the same id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from tasks.store.connection import Connection

_IN_THE_WAY: Final = 5  # attempts to send a message while others wait behind it: it may be what the target refuses
_NOTE: Final = """
INSERT INTO notices (rule, made_at, content)
SELECT %(rule)s, %(now)s, content::json FROM unnest(%(contents)s::text[]) WITH ORDINALITY AS n (content, place)
ORDER BY place
"""
_WAITING: Final = "SELECT id, made_at FROM notices WHERE rule = %s ORDER BY id LIMIT %s"
_TAKE: Final = """
WITH taken AS (DELETE FROM notices WHERE id = ANY(%s) RETURNING id, content)
SELECT content::text FROM taken ORDER BY id
"""
_RULES: Final = "SELECT DISTINCT rule FROM notices"
_MADE: Final = "SELECT DISTINCT made_at FROM messages WHERE rule = %s AND made_at > %s ORDER BY made_at"
_PUT: Final = """
INSERT INTO messages (id, rule, target, made_at, notices, content, due_at)
VALUES (%(id)s, %(rule)s, %(target)s, %(made_at)s, %(notices)s, %(content)s::json, %(due_at)s)
"""
_DUE: Final = """
SELECT id::text, target, content::text, attempts FROM (
    SELECT DISTINCT ON (target) * FROM messages WHERE sent_at IS NULL AND target = ANY(%(targets)s)
    ORDER BY target, attempts >= %(in_the_way)s, made_at, id
) AS first WHERE due_at <= %(now)s
"""
_BEGIN: Final = "UPDATE messages SET attempts = attempts + 1 WHERE id = %s"
_SENT: Final = "UPDATE messages SET sent_at = %(now)s, failing_since = NULL, reason = NULL WHERE id = %(id)s"
_FAILED: Final = """
UPDATE messages SET due_at = %(due_at)s, reason = %(reason)s, failing_since = coalesce(failing_since, %(now)s)
WHERE id = %(id)s
"""
_FAILING: Final = """
SELECT DISTINCT ON (target) target, min(failing_since) OVER (PARTITION BY target), reason,
    count(*) OVER (PARTITION BY target) AS waiting
FROM messages WHERE sent_at IS NULL AND target IN (
    SELECT target FROM messages WHERE sent_at IS NULL AND failing_since IS NOT NULL
)
ORDER BY target, failing_since IS NULL, failing_since
"""
_COUNTS: Final = """
SELECT target, count(*) FILTER (WHERE sent_at IS NULL), count(*) FILTER (WHERE sent_at > %(since)s), max(sent_at)
FROM messages WHERE sent_at IS NULL OR sent_at > %(kept)s GROUP BY target ORDER BY target
"""
_UNSENT: Final = "SELECT target, count(*), min(made_at) FROM messages WHERE sent_at IS NULL GROUP BY target"
_PRUNE: Final = "DELETE FROM messages WHERE coalesce(sent_at, made_at) < %s RETURNING sent_at"
_ABANDON: Final = "DELETE FROM messages WHERE sent_at IS NULL AND NOT target = ANY(%s)"
_ABANDON_NOTICES: Final = "DELETE FROM notices WHERE NOT rule = ANY(%s)"


class Waiting(NamedTuple):
    """A notice that is in no message yet."""

    id: int
    made_at: datetime


class Outgoing(NamedTuple):
    """A message that is due, as JSON in `content`; sending it was begun `attempts` times."""

    id: str
    target: str
    content: str
    attempts: int


class Failing(NamedTuple):
    """A target that does not accept messages: since when, why it refused the oldest of them, and how many wait."""

    target: str
    since: datetime
    reason: str
    waiting: int


class Unsent(NamedTuple):
    """How many messages wait for a target, and when the oldest of them was made."""

    target: str
    messages: int
    oldest_at: datetime


class TargetCount(NamedTuple):
    """Of one target: messages that wait, that were sent of late, and when the last one was sent."""

    target: str
    waiting: int
    sent: int
    last_at: datetime | None


def note(conn: Connection, rule: str, contents: Sequence[str], now: datetime) -> None:
    """Keep notices of a rule, in the caller's transaction."""
    if contents:
        conn.execute(_NOTE, {"rule": rule, "now": now, "contents": list(contents)}, prepare=False)


def rules_with_notices(conn: Connection) -> set[str]:
    """The rules of which notices wait."""
    return {rule for (rule,) in conn.execute(_RULES)}


def waiting(conn: Connection, rule: str, most: int) -> list[Waiting]:
    """The notices of the rule, the oldest first."""
    return [Waiting(*row) for row in conn.execute(_WAITING, (rule, most), prepare=False)]


def take(conn: Connection, ids: Sequence[int]) -> list[str]:
    """Remove these notices, in the caller's transaction; their contents in their order."""
    return [content for (content,) in conn.execute(_TAKE, (list(ids),), prepare=False)]


def made_since(conn: Connection, rule: str, since: datetime) -> list[datetime]:
    """When messages of the rule were made since then; one for several targets counts once."""
    return [at for (at,) in conn.execute(_MADE, (rule, since), prepare=False)]


def put(conn: Connection, values: dict[str, object]) -> None:
    """Keep a message until it is sent: `id`, `rule`, `target`, `made_at`, `due_at`, `notices`, `content`."""
    conn.execute(_PUT, values)


def due(conn: Connection, targets: Collection[str], now: datetime) -> list[Outgoing]:
    """Of each of these targets the oldest message, if it is due; one that was tried often is no longer in the way."""
    values = {"targets": list(targets), "now": now, "in_the_way": _IN_THE_WAY}
    return [Outgoing(*row) for row in conn.execute(_DUE, values, prepare=False)]


def begin(conn: Connection, message_id: str) -> None:
    """Keep that sending it begins."""
    conn.execute(_BEGIN, (message_id,))


def sent(conn: Connection, message_id: str, now: datetime) -> None:
    """Keep that its target has accepted it."""
    conn.execute(_SENT, {"id": message_id, "now": now})


def failed(conn: Connection, message_id: str, reason: str, now: datetime, due_at: datetime) -> None:
    """Keep why it was not sent, and when that is tried again."""
    conn.execute(_FAILED, {"id": message_id, "reason": reason, "now": now, "due_at": due_at})


def failing(conn: Connection) -> list[Failing]:
    """The targets that do not accept messages."""
    return [Failing(*row) for row in conn.execute(_FAILING, prepare=False)]


def unsent(conn: Connection) -> list[Unsent]:
    """What waits, for each target that anything waits for."""
    return [Unsent(*row) for row in conn.execute(_UNSENT, prepare=False)]


def counts(conn: Connection, since: datetime, kept: datetime) -> list[TargetCount]:
    """How many messages wait and were sent since then, by target, of those that are newer than `kept`."""
    return [TargetCount(*row) for row in conn.execute(_COUNTS, {"since": since, "kept": kept}, prepare=False)]


def prune(conn: Connection, before: datetime) -> int:
    """Delete messages that were sent, or made and never accepted, before that; how many were never accepted."""
    return sum(sent_at is None for (sent_at,) in conn.execute(_PRUNE, (before,), prepare=False))


def abandon_others(conn: Connection, targets: Collection[str], rules: Collection[str]) -> int:
    """Delete what waits for targets that are no longer there, and notices of rules that are not; how many messages."""
    conn.execute(_ABANDON_NOTICES, (list(rules),))
    return conn.execute(_ABANDON, (list(targets),)).rowcount

"""Makes messages of the notices that wait, and hands each to its target until that accepts it.

What is in the database is changed in transactions of their own before and after a message is sent, never meanwhile.
"""

from __future__ import annotations

import uuid
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from ledger import localtime
from tasks.errors import NotDelivered, plain
from tasks.notify import pace
from tasks.notify.message import MESSAGE, NOTICE, Message
from tasks.store.notify import outbox

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from tasks.rule_settings import RuleSettings, TargetSettings
    from tasks.store.connection import Connection
    from tasks.store.notify.outbox import Outgoing

    Deliver = Callable[[TargetSettings, Message], None]

_MOST_WAITING: Final = 20_000  # notices of a rule that are looked at together
_FIRST_PAUSE_S: Final = 10.0
_LONGEST_PAUSE_S: Final = 900.0
_MOST_DOUBLINGS: Final = 10


def make_messages(conn: Connection, rules: Sequence[RuleSettings], now: datetime) -> datetime | None:
    """Make the messages that are due, in the caller's transaction; when the next ones are, None when nothing waits."""
    by_name = {rule.name: rule for rule in rules}
    later = [_of_rule(conn, by_name[name], now) for name in sorted(outbox.rules_with_notices(conn) & by_name.keys())]
    return min(filter(None, later), default=None)


def _of_rule(conn: Connection, rule: RuleSettings, now: datetime) -> datetime | None:
    waiting = outbox.waiting(conn, rule.name, _MOST_WAITING)
    made = outbox.made_since(conn, rule.name, now - pace.HOUR)
    planned = pace.plan([one.made_at for one in waiting], made, rule.pace, now)
    at = 0
    for number, size in enumerate(planned.sizes):
        contents = outbox.take(conn, [one.id for one in waiting[at : at + size]])
        at += size
        # A microsecond apart: what was made for several targets at once has one time, and counts once.
        _put(conn, rule, contents, now, now + timedelta(microseconds=number))
    return planned.until


def _put(conn: Connection, rule: RuleSettings, contents: Sequence[str], now: datetime, made_at: datetime) -> None:
    for target in rule.to:
        message = Message(
            id=str(uuid.uuid4()),
            rule=rule.name,
            made_at=localtime.utc(now),
            notices=tuple(NOTICE.decode(one) for one in contents),
        )
        outbox.put(
            conn,
            {
                "id": message.id,
                "rule": rule.name,
                "target": target,
                "made_at": made_at,
                "due_at": now,
                "notices": len(contents),
                "content": msgspec.json.encode(message).decode(),
            },
        )


def pause_s(attempts: int) -> float:
    """Seconds to wait after so many attempts that failed."""
    return min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(max(attempts - 1, 0), _MOST_DOUBLINGS))


class Outcome(NamedTuple):
    """What became of a message to a target; `error` says why it was not accepted, None when it was."""

    target: str
    error: NotDelivered | None


class Postman:
    """Sends messages, one at a time to each target and to all targets at once."""

    def __init__(self, targets: Sequence[TargetSettings], deliver: Deliver) -> None:
        self._targets: Mapping[str, TargetSettings] = {one.name: one for one in targets}
        self._deliver = deliver
        self._threads = ThreadPoolExecutor(max(len(targets), 1), thread_name_prefix="target")
        self._under_way: dict[str, tuple[Outgoing, Future[None]]] = {}

    def idle_targets(self) -> list[str]:
        """The targets that nothing is sent to now."""
        return [name for name in self._targets if name not in self._under_way]

    def begin(self, conn: Connection, now: datetime) -> list[Outgoing]:
        """Choose what is due for the targets that are idle, in the caller's transaction; `send` sends it."""
        chosen = outbox.due(conn, self.idle_targets(), now)
        for one in chosen:
            outbox.begin(conn, one.id)
        return chosen

    def send(self, chosen: Sequence[Outgoing]) -> None:
        """Send what was chosen, beside the caller; the transaction that chose it must be committed."""
        for one in chosen:
            future = self._threads.submit(self._deliver, self._targets[one.target], MESSAGE.decode(one.content))
            self._under_way[one.target] = (one, future)

    def is_done(self) -> bool:
        """Whether the outcome of something is known that `settle` has not written down."""
        return any(future.done() for _, future in self._under_way.values())

    def settle(self, conn: Connection, now: datetime) -> Callable[[], list[Outcome]]:
        """Write down what became of what was sent, in the caller's transaction.

        What it returns is to be called once that is committed, and gives the outcomes.
        """
        outcomes = []
        for one, future in list(self._under_way.values()):
            if not future.done():
                continue
            error = future.exception()
            if error is None:
                outbox.sent(conn, one.id, now)
            elif isinstance(error, NotDelivered):
                due_at = now + timedelta(seconds=pause_s(one.attempts + 1))
                outbox.failed(conn, one.id, plain(error), now, due_at)
            else:
                raise error
            outcomes.append(Outcome(one.target, error))

        def settled() -> list[Outcome]:
            for one in outcomes:
                del self._under_way[one.target]
            return outcomes

        return settled

    def wait(self, seconds: float, *, for_all: bool = False) -> None:
        """Wait until the outcome of something that is being sent is known, or of all, at most so long."""
        until = futures.ALL_COMPLETED if for_all else futures.FIRST_COMPLETED
        futures.wait([future for _, future in self._under_way.values()], timeout=seconds, return_when=until)

    def close(self) -> None:
        """Begin nothing more; what is under way is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)

"""Stops paying for what cannot be used: the API may change a field in every product within a week.

What is unusable lies in quarantine with its bytes and can be read later; but more of the same is not worth a token.
So calls of a kind stop, for every worker and over restarts, when most of what is paid for with them is unusable, until
a person resumes them or another build, which may read it, takes over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger import NS_PER_S
from tasks.ingest import reader_version
from tasks.runtime.job import Idle
from tasks.store import brakes

if TYPE_CHECKING:
    from tasks.calls.spool_header import Header
    from tasks.ingest.database_session import DatabaseSession
    from tasks.runtime.job import JobContext
    from tasks.store.brakes import ActiveBrake

LOOK_NS: Final = 5 * NS_PER_S  # how late another worker's brake, or its release by a person, is noticed
REMEDY: Final = "`sluicegate resume all` or an upgrade starts them again"


class Brake:
    """The brakes as one worker sees them."""

    def __init__(self, context: JobContext, session: DatabaseSession) -> None:
        self._context = context
        self._session = session
        self._active: dict[str, ActiveBrake] = {}
        self._look_ns = 0
        self._good: dict[str, tuple[int, int]] = {}  # calls without anything unusable, and their tokens

    def rest(self, kind: str) -> Idle | None:
        """Why no call of this kind is made, and when to look again; None when it may be made.

        Raises:
            StoreError: the database does not answer.
        """
        now_ns = self._context.clock.now_ns()
        if now_ns >= self._look_ns:
            self._look()
        active = self._active.get(kind)
        if active is None:
            return None
        return Idle(until_ns=self._look_ns, phase="calling", why=_sentence(active), is_held=True)

    def update_conditions(self) -> None:
        """Notice a brake that was released, though no call of its kind is planned.

        Raises:
            StoreError: the database does not answer.
        """
        if self._active and self._context.clock.now_ns() >= self._look_ns:
            self._look()

    def record(self, header: Header, *, unusable: int, of: int) -> None:
        """Count what a reply brought: of so many things so many that cannot be used.

        Raises:
            StoreError: the database does not take it.
        """
        if of <= 0:
            return
        kind = header.shape
        calls, tokens = self._good.get(kind, (0, 0))
        if unusable <= 0:
            self._good[kind] = (calls + 1, tokens + header.estimate)  # written with the next that is not so good
            return
        outcome = brakes.CallOutcome(
            before=(calls, tokens),
            tokens=header.estimate,
            lost=round(header.estimate * min(unusable, of) / of),
            items=header.origin.items,
            why=f"{unusable} of {of} could not be used",
        )
        stops = self._session.run(
            lambda connection: brakes.count_outcome(connection, kind, reader_version.reader_version(), outcome)
        )
        self._good.pop(kind, None)
        if stops:
            self._look()

    def _look(self) -> None:
        context, before = self._context, self._active
        self._look_ns = context.clock.now_ns() + LOOK_NS
        found = self._session.run(lambda connection: brakes.active_brakes(connection, reader_version.reader_version()))
        self._active = {one.kind: one for one in found}
        for kind in self._active.keys() - before.keys():
            context.log.error("calls_stopped", kind=kind, message=_sentence(self._active[kind]))
        for kind in before.keys() - self._active.keys():
            context.log.info("calls_resumed", kind=kind)
        if self._active:
            context.beat.degraded("replies", "; ".join(map(_sentence, self._active.values())))
        else:
            context.beat.condition_over("replies")


def _sentence(active: ActiveBrake) -> str:
    return f"calls for {active.kind} are stopped: most replies cannot be used (the last: {active.why}); {REMEDY}"

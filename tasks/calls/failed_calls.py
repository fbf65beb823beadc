"""Calls that fail: when each is made again, what is reported meanwhile, and how the return of the API is noticed.

However long it lasts, no worker ends because of it: a worker that ended would be started again and ask for the same.
Only a key that is refused for minutes by whatever answers ends the run, for that a person has to mend.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ledger import NS_PER_S
from ledger.durations import format_duration
from tasks.errors import ApiError, Forbidden, NotFromApi, Transient
from tasks.keepa.http_status import ABOUT_THE_KEY
from tasks.planning.refusals import RefusalStreak
from tasks.planning.retry_schedule import RetrySchedule
from tasks.runtime.job import Idle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ledger import Reading
    from tasks.calls.request_plan import RequestPlan
    from tasks.runtime.job import JobContext

PROBE_NS: Final = 8 * NS_PER_S  # a free look whether the API is back, which is to be noticed well within 20 s
UNAVAILABLE: Final = 2  # questions for the balance in vain: the API is unavailable, and it was not one lost call
KEY_NS: Final = 600 * NS_PER_S  # the same refusal of the key for so long is believed, whoever says it
MIN_REFUSALS: Final = 5
DOUBT_NS: Final = 1200 * NS_PER_S  # for so long a refusal is waits against the key; calls in vain are closer together
BALANCE: Final = "/token"
PROBE: Final = "/token, to see whether the API is back"
LONG_S: Final = 30.0  # a call that was open for so long in vain is no hiccup, and is reported at once
NEVER_NS: Final = 2**63 - 1


class FailedCalls:
    """What fails for one worker. `ask` makes the free request for the balance and raises when it comes to nothing."""

    def __init__(self, context: JobContext, ask: Callable[[], Reading]) -> None:
        self._context = context
        self._ask = ask
        self._schedule = RetrySchedule(random.Random())  # noqa: S311 - spreads pauses, guards nothing
        self._refusals: dict[str, RefusalStreak] = {}
        self._probe_ns = 0
        self._probes_in_vain = 0
        self._doubt: _Doubt | None = None

    def rest(self, request_plan: RequestPlan) -> Idle | None:
        """Why the request planned is not made now, and when to come back; None when it may be made.

        Raises:
            Forbidden: the key has been refused for minutes.
        """
        if self._until(request_plan) is None:
            return None
        if self._context.clock.now_ns() >= self._probe_ns:
            self._probe()
        waits = self._until(request_plan)
        return None if waits is None else self._idle(*waits)

    def failed(self, what: str, error: ApiError, *, may_be_charged: bool) -> Idle:
        """Count a request that failed; when to come back.

        Raises:
            Forbidden: the key has been refused for minutes.
        """
        context = self._context
        now_ns = context.clock.now_ns()
        until_ns = self._count(what, error, now_ns, may_be_charged=may_be_charged)
        self._probe_ns = now_ns + PROBE_NS
        context.log.warning("call_failed", error=error, retry_in_s=round((until_ns - now_ns) / NS_PER_S, 1))
        self._suspect(error)
        self._report()
        return self._idle(until_ns, str(error))

    def answered(self, request_plan: RequestPlan) -> None:
        """End the failures of the request: the API answered it, be it with a refusal."""
        self._schedule.answered(request_plan.what)
        self._record_reply()
        self._report()

    def accepted(self, request_plan: RequestPlan) -> None:
        """End the failures and refusals of the request: it was answered with a reply."""
        self.answered(request_plan)
        if self._refusals.pop(request_plan.endpoint, None) is not None:
            self._schedule.answered(_refused(request_plan))
        if not any(row.is_general for row in self._refusals.values()):
            self._context.beat.condition_over("refusals")

    def refused(self, request_plan: RequestPlan, items: Iterable[str], error: ApiError) -> None:
        """Count that the API refused a request for these items; rest when these are not to blame."""
        context = self._context
        one = self._refusals.setdefault(request_plan.endpoint, RefusalStreak())
        pause_s = one.refused(items)
        if not pause_s:
            return
        self._schedule.hold(_refused(request_plan), str(error), context.clock.now_ns() + round(pause_s * NS_PER_S))
        context.log.error("refused_in_a_row", error=error, requests=one.different, retry_in_s=pause_s)
        context.beat.degraded("refusals", f"{one.different} different requests in a row: {error}")

    def update_conditions(self) -> None:
        """Forget requests that nobody makes any more, so that they are not reported for ever."""
        self._report()
        if self._doubt is not None and self._context.clock.now_ns() - self._doubt.last_ns > DOUBT_NS:
            self._end_doubt()
        for endpoint in [one for one, row in self._refusals.items() if row.is_general]:
            if not self._schedule.knows(f"refused {endpoint}"):
                del self._refusals[endpoint]
                self._context.beat.condition_over("refusals")

    def read_balance(self) -> Reading:
        """What the server says of the balance, which is free; what comes of the request is counted.

        Raises:
            Transient: it says nothing.
            Forbidden: the server does not serve this key, or does not know the request; or the key has been refused
                for minutes.
        """
        try:
            reading = self._ask()
        except ApiError as error:
            self._probes_in_vain += 1
            self._suspect(error)
            raise
        is_back = self._probes_in_vain >= UNAVAILABLE
        self._record_reply()
        if is_back:
            self._schedule.returned(self._context.clock.now_ns())
            self._report()
        return reading

    def _probe(self) -> None:
        """Ask for the balance, which is free: its answer tells that the API is back."""
        context, was_unavailable = self._context, self._probes_in_vain > 0
        self._probe_ns = context.clock.now_ns() + PROBE_NS
        try:
            reading = self.read_balance()
        except Transient as error:
            self._count(PROBE, error, context.clock.now_ns(), may_be_charged=False)
            self._report()
        else:
            self._schedule.answered(PROBE)
            if not was_unavailable:
                self._probe_ns = NEVER_NS  # it was there all the while: only another failure is worth another look
            context.ledger.observe(reading)

    def _count(self, what: str, error: ApiError, now_ns: int, *, may_be_charged: bool) -> int:
        """Count that it failed; when it may be made again."""
        settings, lasted_s = self._context.settings, error.lasted_s
        long_s = min(LONG_S, 0.9 * settings.connect_timeout_s, 0.9 * settings.read_timeout_s)
        return self._schedule.failed(
            what,
            str(error),
            now_ns,
            may_be_charged=may_be_charged,
            lasted_s=lasted_s,
            is_hiccup=lasted_s < long_s,
        )

    def _until(self, request_plan: RequestPlan) -> tuple[int, str] | None:
        """Until when it waits, and why."""
        now_ns = self._context.clock.now_ns()
        waits = [
            (until_ns, self._schedule.why(what))
            for what in (request_plan.what, BALANCE, _refused(request_plan))
            if (until_ns := self._schedule.until_ns(what, now_ns)) is not None
        ]
        return max(waits, default=None)

    def _idle(self, until_ns: int, why: str) -> Idle:
        now_ns = self._context.clock.now_ns()
        words = f"again in {format_duration((until_ns - now_ns) / NS_PER_S)}: {why}"
        return Idle(until_ns=min(until_ns, max(now_ns, self._probe_ns)), phase="calling", why=words, is_held=True)

    def _record_reply(self) -> None:
        """Note that the API itself answered: it is available, and its word about the key counts alone."""
        self._probes_in_vain = 0
        self._schedule.answered(BALANCE)
        self._schedule.answered(PROBE)
        self._end_doubt()

    def _end_doubt(self) -> None:
        self._doubt = None
        self._context.beat.condition_over("key")

    def _suspect(self, error: ApiError) -> None:
        """Count a refusal of the key by somebody else than the API.

        Raises:
            Forbidden: they have refused it for minutes.
        """
        if not isinstance(error, NotFromApi):
            return
        if error.status not in ABOUT_THE_KEY:
            self._end_doubt()
            return
        now_ns = self._context.clock.now_ns()
        if self._doubt is None or self._doubt.status != error.status:
            self._doubt = _Doubt(error.status, now_ns)
        self._doubt.times += 1
        self._doubt.last_ns = now_ns
        why = f"{error}; believed when it lasts for {KEY_NS // NS_PER_S // 60} minutes"
        self._context.beat.degraded("key", f"{self._context.settings.server}: {why}")
        if self._doubt.times >= MIN_REFUSALS and now_ns - self._doubt.began_ns >= KEY_NS:
            raise Forbidden(
                f"{error}; it has been so for {KEY_NS // NS_PER_S // 60} minutes: check KEEPA_API_KEY, the "
                "subscription, KEEPA_BASE_URL, and whether a proxy or portal stands between",
                status=error.status,
            )

    def _report(self) -> None:
        now_ns = self._context.clock.now_ns()
        problem = self._schedule.problem(now_ns)
        if problem is None:
            self._context.beat.condition_over("calls")
        else:
            late_s = (now_ns - self._schedule.since_ns(now_ns)) / NS_PER_S
            self._context.beat.degraded("calls", f"{self._context.settings.server}: {problem}", late_s=late_s)


@dataclass
class _Doubt:
    """A refusal of the key by somebody else than the API."""

    status: int | None
    began_ns: int
    times: int = 0
    last_ns: int = 0


def _refused(request_plan: RequestPlan) -> str:
    return f"refused {request_plan.endpoint}"

"""The steps of a worker that serves several keys: each key in its turn, and sleep until one of them is due.

A worker of one key waits inside of a step, in its ledger's queue. One of several holds a place in the queue of each
ledger and looks at one after the other: at the time that a gate is known to open, and every two seconds before that,
because what another worker gives back opens it earlier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from ledger import NS_PER_S
from tasks.jobs.run_loop import is_enough, nap_s
from tasks.planning.key_turns import KeyTurn, first_due, next_turn
from tasks.runtime.job import Idle, StepDone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger import Clock
    from tasks.jobs.key_job import KeyJob
    from tasks.runtime.beat import Beat
    from tasks.runtime.stop import StopFlag


def run(jobs: Sequence[KeyJob], beat: Beat, stop: StopFlag, clock: Clock, *, once: bool) -> bool:
    """Do steps of each key in its turn until the stop, or until each has done one poll or batch if `once`.

    Returns:
        Whether it ended because of `once`.

    Raises:
        Forbidden: the server serves none of the keys.
        Error: a job cannot go on.
        LedgerError: neither can a ledger.
    """
    left = list(jobs)
    turns = [KeyTurn(due_ns=clock.now_ns()) for _ in left]
    idle: dict[KeyJob, Idle] = {}
    steps = 0
    while left:
        if stop.is_set():
            return False
        place = next_turn(turns, clock.now_ns())
        if place is None:
            _sleep(turns[first_due(turns)], idle[left[first_due(turns)]], left[first_due(turns)], beat, stop, clock)
            continue
        steps += 1
        job, turn = left[place], turns[place]
        outcome = job.step()
        turn.served = steps
        match outcome:
            case StepDone():
                beat.done()
                turn.due_ns = clock.now_ns()
            case Idle():
                idle[job] = outcome
                now_ns = clock.now_ns()
                turn.due_ns = now_ns + round(nap_s(outcome, now_ns, blocking=False) * NS_PER_S)
                _raise_if_none_is_served(jobs)
            case _:
                assert_never(outcome)
        if once and is_enough(outcome):
            del left[place], turns[place]
    return True


def _sleep(turn: KeyTurn, why: Idle, job: KeyJob, beat: Beat, stop: StopFlag, clock: Clock) -> None:
    """Sleep until the first of the keys is due, and say which one that is."""
    beat.phase(why.phase, f"{job.name}: {why.why}", until_ns=turn.due_ns)
    stop.wait(max(0.0, (turn.due_ns - clock.now_ns()) / NS_PER_S))


def _raise_if_none_is_served(jobs: Sequence[KeyJob]) -> None:
    """Go on while the server serves any of the keys.

    Raises:
        Forbidden: it serves none.
    """
    refusals = [job.refusal for job in jobs if job.refusal is not None]
    if len(refusals) == len(jobs):
        raise refusals[0]

"""How this host joins those that write to the same database.

Two hosts that spend from one account have to share one ledger: otherwise each would spend every token once. So a host
whose ledger would be another one than that of a host at work is kept out.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ledger import NS_PER_S, SystemClock
from ledger.durations import format_elapsed
from supervisor.database.hosts.rival_wait import RivalWait
from supervisor.database.ledger_source import APPLICATION, is_in_database
from tasks.errors import ConfigError
from tasks.store.connection import connect
from tasks.store.ledger_row import host_looks, hosts
from tasks.store.sqlstate import translate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from supervisor.config.run_plan import RunPlan
    from tasks.secret import Secret
    from tasks.store.ledger_row.hosts import Host

from supervisor.database.hosts.presence import Presence
from supervisor.database.hosts.this_host import identity, known_identity, newcomer, spool_of, this_host

AGAIN_S: Final = 1.0  # until the next try


@dataclass(frozen=True, slots=True)
class InTheWay:
    """Why this host must not take part now; with `is_final` there is nothing to wait for any more."""

    why: str
    is_final: bool


def look_at_others(plan: RunPlan, url: Secret) -> tuple[list[Host], Host | None]:
    """All hosts, and one that this host must not work beside, if there is one; nothing is changed.

    Takes some seconds when it has to be seen whether a host beats.

    Raises:
        Error: the database cannot be used.
    """
    new = newcomer(plan, known_identity(plan), "", plan.keys, shares=is_in_database(plan))
    with connect(url.reveal(), application_name=APPLICATION, autocommit=True) as conn, translate():
        found = host_looks.look(conn)
        numbers = {one.number for one in hosts.rivals(conn, new)}
        return found, next((one for one in found if one.number in numbers and one.is_alive), None)


def try_join(plan: RunPlan, url: Secret, run: str, keys: Sequence[str], wait: RivalWait) -> int | InTheWay:
    """The number of this host, which takes part from now on; or what is in the way.

    Args:
        plan: this run.
        url: the database.
        run: the run.
        keys: the names of those that it spends from.
        wait: the wait for a host that this one must not work beside.

    Raises:
        Error: the database cannot be used.
    """
    new, clock = this_host(plan, run, keys), SystemClock()
    with connect(url.reveal(), application_name=APPLICATION, autocommit=True) as conn, translate():
        while not isinstance(found := hosts.join(conn, new), int):
            judgement = wait.judge(found, clock.now_ns() / NS_PER_S)
            for one in judgement.dead:
                hosts.note_dead(conn, one)
            if judgement.in_the_way is not None:
                return InTheWay(refusal(plan, judgement.in_the_way), judgement.is_final)
        return found


def take_part(plan: RunPlan, url: Secret, run: str) -> Presence | None:
    """This host among the others, for a command that may wait; None where no other host can reach the database.

    Raises:
        ConfigError: another host spends from the same account with another ledger, or has this state directory's name.
        Error: the database cannot be used.
    """
    if plan.database is not None:
        return None
    wait, pause = RivalWait(), threading.Event()
    while isinstance(found := try_join(plan, url, run, [plan.key], wait), InTheWay):
        if found.is_final:
            raise ConfigError(found.why)
        pause.wait(AGAIN_S)
    return Presence(url, found, spool_of(plan), this_host(plan, run, [plan.key]))


def number_beside(plan: RunPlan, url: Secret) -> int:
    """The number of this host for a command beside its supervisor, which beats for it.

    Raises:
        ConfigError: the supervisor is not of this host.
        Error: the database cannot be used.
    """
    with connect(url.reveal(), application_name=APPLICATION, autocommit=True) as conn, translate():
        number = hosts.find(conn, identity(plan))
    if number is None:
        raise ConfigError(
            "the supervisor of this state directory takes no part now: either it is drained (`sluicegate resume all` "
            "ends that), or it runs in another container or PID namespace: give this command where it runs"
        )
    return number


def refusal(plan: RunPlan, rival: Host) -> str:
    """Why this host must not work beside that one, and what to do."""
    if rival.state_dir == plan.state.name():
        return copied(plan, rival)
    own = "a ledger of its own" if rival.ledger == "file" else "the ledger in the database"
    return (
        f"the host {rival.name} (heard {format_elapsed(rival.silent_s)} ago) spends from the same key with {own}, so "
        "both would spend each token: stop it, or start both with `sluicegate run --join`, which makes them share one"
    )


def copied(plan: RunPlan, original: Host) -> str:
    """That this host's state directory is a copy of the one that another host works with, and what to do."""
    return (
        f"STATE_DIR {plan.state.root} is a copy of the one with which the host {original.name} runs: start this host "
        "with an empty STATE_DIR of its own"
    )


def cloned(plan: RunPlan) -> str:
    """That a copy of this host, of the machine as it ran, writes under its name too, and what to do."""
    return (
        f"another process beats as this host, {plan.settings.host_name}, which happens when its machine was copied "
        f"while it ran, with STATE_DIR {plan.state.root}: start the copy with an empty STATE_DIR of its own"
    )

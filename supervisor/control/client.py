"""`pause`, `resume`, `restart`, `retry`, `scale`, `set`, `reload`: an order to a running supervisor, and its answer."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING, Final

from ledger import NS_PER_S
from supervisor.config import settings
from supervisor.config.state_dir import StateDir
from supervisor.control import protocol
from supervisor.control.server import address
from supervisor.eventloop.loop import MonotonicClock
from supervisor.process.suspended import SUSPENDED, is_suspended, remedy
from tasks.errors import EXIT_NOT_RUNNING, EXIT_OK, EXIT_TRY_LATER, EXIT_USAGE, Error, NoRows, plain
from tasks.roles import ROLES

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from tasks.roles import Role

_LOOK_S: Final = 2.0  # between two looks whether whoever is to answer stands still
_READ_BYTES: Final = 4096
_PATIENCE_S: Final = 1800.0  # sixteen workers replaced in turn, each of which takes its whole grace


def send_order(chosen: argparse.Namespace) -> int:
    """The exit code of what came of the order that `chosen` spells."""
    order = _order(chosen)
    state = StateDir(settings.state_dir(settings.environment()))
    if order is None:
        said = protocol.Answer(code=EXIT_USAGE, words="set: NAME=VALUE is expected, as in BACKFILL_FLOOR=100")
    elif state.lock.holder() is None:
        said = protocol.Answer(code=EXIT_NOT_RUNNING, words=f"no supervisor runs with the state directory {state.root}")
    else:
        said = _asked(state, order)
        if isinstance(order, protocol.Resume) and said.code == EXIT_OK:
            said = _lifted(said)
    if said.code == EXIT_OK:
        sys.stdout.write(said.words + "\n")
    else:
        sys.stderr.write(f"sluicegate: {said.words}\n")
    return said.code


def _lifted(said: protocol.Answer) -> protocol.Answer:
    """The answer, once calls that were stopped because most replies could not be used may be made again."""
    from supervisor.config import run_plan
    from supervisor.database.access import query_connection
    from tasks.store import brakes

    try:
        plan = run_plan.make_run_plan(settings.load_settings(settings.environment()), synthetic_into_database=True)
        with query_connection(plan, writes=True) as conn, conn.transaction():
            kinds = brakes.release_brakes(conn)
    except NoRows:
        return said
    except Error as error:
        return _later(f"{said.words}; whether calls are stopped could not be looked up: {plain(error)}")
    return said if not kinds else protocol.Answer(code=EXIT_OK, words=f"{said.words}; calls go on: {', '.join(kinds)}")


def _asked(state: StateDir, order: protocol.Order) -> protocol.Answer:
    """What the supervisor answers, or why it does not."""
    path, holder = state.control, state.lock.holder()
    if is_suspended(holder):
        return _later(f"the supervisor, pid {holder}, was asked nothing: {SUSPENDED}; {remedy(holder)}")
    try:
        line = _exchanged(path, protocol.line_of(order), holder)
        return protocol.read_answer(line) if line else _later("the supervisor ended before it answered")
    except TimeoutError:
        why = (
            f"does this when it goes on: {SUSPENDED}; {remedy(holder)}" if is_suspended(holder) else "has not answered"
        )
        return _later(f"the supervisor, pid {holder}, was asked and {why}")
    except (FileNotFoundError, ConnectionRefusedError):
        if state.lock.is_held_by_debug():
            return _later(f"`sluicegate debug` holds the state directory {state.root}, and it takes no orders")
        return _later("the supervisor takes no orders now: it starts, ends, or could not open its socket")
    except OSError as error:
        return _later(f"{path}: {error.strerror or error}")


def _exchanged(path: Path, line: bytes, holder: int | None) -> bytes:
    """The line that comes back; empty when there is none.

    Raises:
        TimeoutError: none came although there was time enough, or the supervisor stands still.
    """
    clock = MonotonicClock()
    ends_ns = clock.now_ns() + round(_PATIENCE_S * NS_PER_S)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection, address(path) as short:
        connection.settimeout(_LOOK_S)
        connection.connect(short)
        connection.sendall(line)
        answer = b""
        while not answer.endswith(b"\n"):
            try:
                more = connection.recv(_READ_BYTES)
            except TimeoutError:
                if is_suspended(holder) or clock.now_ns() >= ends_ns:
                    raise
                continue
            if not more:
                break
            answer += more
        return answer


def _later(words: str) -> protocol.Answer:
    return protocol.Answer(code=EXIT_TRY_LATER, words=words)


def _order(chosen: argparse.Namespace) -> protocol.Order | None:
    """The order in words that a supervisor understands; None when a part of `set` is no setting."""
    if chosen.name in {"pause", "resume"}:
        roles: tuple[Role, ...] = ROLES if chosen.role == "all" else (chosen.role,)
        return protocol.Pause(roles=roles) if chosen.name == "pause" else protocol.Resume(roles=roles)
    if chosen.name in {"restart", "retry"}:
        return (protocol.Restart if chosen.name == "restart" else protocol.Retry)(worker=chosen.worker)
    if chosen.name == "scale":
        return protocol.Set(settings={f"{chosen.role.upper()}_WORKERS": chosen.count})
    if chosen.name == "set":
        pairs = [one.partition("=") for one in chosen.settings]
        is_well = all(equals for _, equals, _ in pairs)
        return protocol.Set(settings={name.strip().upper(): text for name, _, text in pairs}) if is_well else None
    return protocol.Reload()

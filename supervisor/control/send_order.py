"""An order to a running supervisor (`pause`, `scale`, `drain` and others), and its answer."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING, Final

from ledger import NS_PER_S
from supervisor.config import settings
from supervisor.config.environment import environment
from supervisor.config.state_dir.state_dir import StateDir
from supervisor.control import protocol
from supervisor.control.server import address
from supervisor.eventloop.loop import MonotonicClock
from supervisor.process.suspended import SUSPENDED, is_suspended, remedy
from tasks.errors import EXIT_NOT_RUNNING, EXIT_OK, EXIT_TRY_LATER, EXIT_USAGE, ConfigError, Error, NoRows, plain
from tasks.roles import ROLES

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from tasks.roles import Role

_CHECK_S: Final = 2.0  # between two checks whether the supervisor stands still
_READ_BYTES: Final = 4096
_PATIENCE_S: Final = 1800.0  # sixteen workers replaced one after another, each of which uses all of its stop time


def send_order(chosen: argparse.Namespace) -> int:
    """Send the order that was typed and print the answer; the exit code.

    Raises:
        ConfigError: the settings do not tell whom to send it to; every fault of them is named.
    """
    order = _typed_order(chosen)
    try:
        state = StateDir(settings.state_dir(environment()))
    except settings.UnusableSettings as error:
        raise ConfigError(f"nothing was changed: {error}") from None
    if order is None:
        answer = protocol.Answer(code=EXIT_USAGE, words="set takes NAME=VALUE, as in BACKFILL_FLOOR=100")
    elif state.lock.holder() is None:
        words = f"no supervisor runs with the state directory {state.root}: start one with `sluicegate run`"
        answer = protocol.Answer(code=EXIT_NOT_RUNNING, words=words)
    else:
        answer = deliver(state, order)
        if isinstance(order, protocol.Resume) and answer.code == EXIT_OK:
            answer = _release_brakes(answer)
    if answer.code == EXIT_OK:
        sys.stdout.write(answer.words + "\n")
    else:
        sys.stderr.write(f"sluicegate: {answer.words}\n")
    return answer.code


def _release_brakes(answer: protocol.Answer) -> protocol.Answer:
    """Release the brakes on calls in the database, and add to `answer` which those were."""
    from supervisor.database.access import query_connection, query_plan
    from tasks.store import brakes

    try:
        plan = query_plan()
        with query_connection(plan, writes=True) as conn, conn.transaction():
            kinds = brakes.release_brakes(conn)
    except NoRows:
        return answer
    except Error as error:
        return _try_later(f"{answer.words}; but the brakes on calls could not be released: {plain(error)}")
    words = "; ".join([answer.words, *([f"calls go on: {', '.join(kinds)}"] if kinds else [])])
    return protocol.Answer(code=EXIT_OK, words=words)


def deliver(state: StateDir, order: protocol.Order, *, patience_s: float = _PATIENCE_S) -> protocol.Answer:
    """Send the order; the supervisor's answer, or why there is none within `patience_s` seconds."""
    path, holder = state.control, state.lock.holder()
    if is_suspended(holder):
        return _not_given(f"the supervisor, pid {holder}, was not given the order: {SUSPENDED}; {remedy(holder)}")
    try:
        line = _exchange(path, protocol.line_of(order), holder, patience_s)
        return protocol.read_answer(line) if line else _try_later("the supervisor ended before it answered")
    except TimeoutError:
        later = f"will carry it out once it runs again: {SUSPENDED}; {remedy(holder)}"
        fate = later if is_suspended(holder) else "has not answered"
        return _try_later(f"the supervisor, pid {holder}, was given the order and {fate}")
    except (FileNotFoundError, ConnectionRefusedError):
        by = state.lock.command()
        if by is not None:
            return _not_given(f"`sluicegate {by}` holds the state directory {state.root}, and it takes no orders")
        return _not_given("the supervisor takes no orders: it is starting, is stopping, or could not open its socket")
    except OSError as error:
        return _not_given(f"{path}: {error.strerror or error}")


def _exchange(path: Path, line: bytes, holder: int | None, patience_s: float) -> bytes:
    """Send a line; the line that comes back, empty when the supervisor closed the connection without one.

    Raises:
        TimeoutError: no line came within `patience_s`, or the supervisor stands still.
    """
    clock = MonotonicClock()
    ends_ns = clock.now_ns() + round(patience_s * NS_PER_S)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection, address(path) as short:
        connection.settimeout(min(_CHECK_S, patience_s))
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


def _not_given(words: str) -> protocol.NotGiven:
    return protocol.NotGiven(code=EXIT_TRY_LATER, words=words)


def _try_later(words: str) -> protocol.Answer:
    return protocol.Answer(code=EXIT_TRY_LATER, words=words)


def _typed_order(chosen: argparse.Namespace) -> protocol.Order | None:
    """The order that was typed; None when an argument of `set` is not NAME=VALUE."""
    if chosen.name in {"pause", "resume"}:
        roles: tuple[Role, ...] = ROLES if chosen.role == "all" else (chosen.role,)
        return protocol.Pause(roles=roles) if chosen.name == "pause" else protocol.Resume(roles=roles)
    if chosen.name in {"restart", "retry"}:
        return (protocol.Restart if chosen.name == "restart" else protocol.Retry)(worker=chosen.worker)
    if chosen.name == "scale":
        return protocol.Set(settings={f"{chosen.role.upper()}_WORKERS": chosen.count})
    if chosen.name == "set":
        pairs = [one.partition("=") for one in chosen.settings]
        are_pairs = all(equals for _, equals, _ in pairs)
        return protocol.Set(settings={name.strip().upper(): text for name, _, text in pairs}) if are_pairs else None
    return protocol.Drain() if chosen.name == "drain" else protocol.Reload()

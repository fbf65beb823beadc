"""No test depends on how fast the machine is: it waits for events (tests/fakes/waiting.py); bounds only end hangs."""

from __future__ import annotations

import ast
import re

import pytest

from tests.fakes.program.cli_program import ROOT
from tests.fakes.waiting import LIMIT_S

# A look of less than a second sees that something does not happen; a bound below the limit may be reached by chance.
GLANCE_S = 1
WAITS = {"wait", "join", "communicate", "settimeout", "get", "result", "recv", "create_connection", "run", "urlopen"}
HANG_S = 600  # pytest's own limit, in pyproject.toml
CLOCKS = {"monotonic", "perf_counter", "time"}
NEVER_S = 600  # whoever says so long a tick wants none
TERMINATE = "pg_terminate_backend"
TOLD_TO_END = re.compile(TERMINATE + r"\((pid|%s)\)")
TESTS = sorted(path for path in (ROOT / "tests").rglob("*.py") if path.name.startswith(("test_", "fixtures_")))


def called(node):
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def is_bound(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float) and GLANCE_S <= node.value < LIMIT_S


def reads_a_clock(node):
    return isinstance(node, ast.Call) and called(node) in CLOCKS and not node.args


def of_assert(node):
    """An upper bound of a span of the machine's own time."""
    is_upper = isinstance(node.test, ast.Compare) and isinstance(node.test.ops[0], ast.Lt | ast.LtE)
    if is_upper and any(map(reads_a_clock, ast.walk(node.test))):
        yield node.lineno, "what must be over by then may be late: make the other outcome impossible"


def of_call(node):
    """A pause, or a bound that is reached by chance."""
    name, receiver = called(node), getattr(node.func, "value", None)
    bounds = [one.value for one in node.keywords if one.arg in {"timeout", "deadline_s"}]
    # A fresh event, or a clock that is moved by hand, is a pause and no bound.
    if name in {"wait", "join", "settimeout"} and not (isinstance(receiver, ast.Call) or named(receiver) == "account"):
        bounds += node.args[:1]
    if name == "sleep":
        yield node.lineno, "wait for the event"
    if name == "timeout" and any(isinstance(one, ast.Constant) and one.value < HANG_S for one in node.args):
        yield node.lineno, f"a hang is found by pytest after {HANG_S} s"
    if name in WAITS and any(map(is_bound, bounds)):
        yield node.lineno, "LIMIT_S, which only a hang reaches"


def is_never(fields):
    """Whether these say a tick so long that none is wanted, and leave open when on the machine's clock it falls."""
    tick_s = getattr(fields.get("tick_s"), "value", 0)
    return isinstance(tick_s, int | float) and tick_s >= NEVER_S and not fields.keys() & {"phase_s", "clock"}


def of_simulator(fields):
    """A plan that adds tokens at a moment of the day, which may be that of the test."""
    if is_never(fields):
        yield fields["tick_s"].lineno, "a tick falls all the same, at some moment of an hour: say phase_s"


def of_signal(node):
    """A stop that has been sent and may not have come."""
    is_stop = any(getattr(one, "attr", "") == "SIGSTOP" for one in node.args)
    if is_stop and named(getattr(node.func, "value", None)) != "signal" and not is_own(node.args[0]):
        yield node.lineno, "`freeze` waits until the process stands still"


def is_own(node):
    return isinstance(node, ast.Call) and called(node) == "getpid"


def of_text(node):
    """A session that has been told to end and may still be there."""
    if isinstance(node.value, str) and TOLD_TO_END.search(node.value):
        yield node.lineno, "pg_terminate_backend(pid, 60000) waits until the session is gone"


def named(node):
    return getattr(node, "id", "")


def faults(tree):
    """The lines at which a test looks at the clock where it should wait for an event, and why each is one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            yield from of_assert(node)
        elif isinstance(node, ast.Call):
            yield from of_call(node)
            yield from of_signal(node)
            yield from of_simulator({one.arg: one.value for one in node.keywords})
        elif isinstance(node, ast.Dict):
            yield from of_simulator(
                {getattr(key, "value", None): value for key, value in zip(node.keys, node.values, strict=True)}
            )
        elif isinstance(node, ast.Constant):
            yield from of_text(node)


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(ROOT / "tests")))
def test_no_test_has_a_bound_that_a_loaded_machine_breaks(path):
    assert sorted(set(faults(ast.parse(path.read_text(encoding="utf-8"))))) == []


@pytest.mark.parametrize(
    "line",
    [
        "process.wait(30)",
        "thread.join(10)",
        "requests.get(url, timeout=10)",
        "time.sleep(1)",
        "assert time.monotonic() - began < 5",
        "@pytest.mark.timeout(120)\ndef test(): pass",
        "os.kill(pid, signal.SIGSTOP)",
        "program.signal(signal.SIGSTOP)",
        "make_plant(tick_s=3600.0)",
        "{'rate': 1, 'tick_s': 3_600}",
        f"conn.execute('SELECT {TERMINATE}(%s)', (pid,))",
    ],
)
def test_the_rule_finds(line):
    assert list(faults(ast.parse(line)))


@pytest.mark.parametrize(
    "line",
    [
        "process.wait(LIMIT_S)",
        "waiting.join(0.05)",
        "assert time.monotonic() - began >= 0.05",
        "os.kill(os.getpid(), signal.SIGSTOP)",
        "make_plant(tick_s=3600.0, phase_s=3600.0)",
        "make_plant(tick_s=0.5)",
        "conn.execute('SELECT pg_terminate_backend(%s, 60000)', (pid,))",
        "conn.execute('SELECT pg_terminate_backend(pg_backend_pid())')",
    ],
)
def test_the_rule_leaves(line):
    assert not list(faults(ast.parse(line)))

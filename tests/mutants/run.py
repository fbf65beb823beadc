"""Runs the tests of a module against one mutant of it, in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import resource
import sys
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

ROOT: Final = Path(__file__).parents[2]
TEST_LIMIT_S: Final = 60  # of one test: a mutant that never ends is noticed by that
LIMIT_S: Final = 400  # of all tests of a module, which take half a minute
MEMORY_BYTES: Final = 4 << 30  # a mutant may never stop to collect things

# Which tests are to notice a fault in which modules, those that take longest last. A module's own file goes
# first and by itself: most mutants die there, before the others are even loaded.
TESTS: Final = {
    "ledger/model/*.py": (
        "tests/unit/ledger/model",
        "tests/unit/ledger",
        "tests/property/ledger/test_ledger_machine.py",
        "tests/property/ledger/test_ledger_bounds.py",
        "tests/property/ledger/test_ledger_retier.py",
        "tests/property/ledger/test_ledger_budgets.py",
        "tests/property/ledger/test_ledger_formats.py",
        "tests/property/ledger/test_ledger_any_reading.py",
    ),
    "tasks/planning/*.py": ("tests/unit/tasks/planning", "tests/property/test_partitions_any.py"),
    **{
        f"supervisor/process/{name}.py": ("tests/unit/supervisor/process",)
        for name in ("conditions", "heartbeat", "restart_policy", "spec", "states")
    },
}
_START: Final = multiprocessing.get_context("forkserver")
_START.set_forkserver_preload(["pytest", "pytest_mock", "hypothesis.stateful", "msgspec", "psycopg", "requests"])


def modules() -> dict[Path, tuple[str, ...]]:
    """The source files to mutate, each with its tests; one that is named and not there is found when it is read."""
    return {path: tests for pattern, tests in TESTS.items() for path in sorted(ROOT.glob(pattern)) or [ROOT / pattern]}


def module_name(path: Path) -> str:
    """The dotted name of a source file."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def is_killed(path: Path, source: str) -> bool:
    """Whether a test of the module fails, or does not end, with `source` in its place."""
    own = Path("tests/unit") / path.parent.relative_to(ROOT) / f"test_{path.name}"
    tests = [[str(own)]] if (ROOT / own).exists() else []
    process = _START.Process(target=_test, args=(module_name(path), source, [*tests, modules()[path]]))
    process.start()
    process.join(LIMIT_S)
    process.kill()
    process.join()
    return process.exitcode != 0


def _test(module: str, source: str, tests: Sequence[Sequence[str]]) -> None:
    """Run one group of tests after the other until a test fails, with `source` in the place of the module."""
    os.chdir(ROOT)
    os.environ["CI"] = "1"  # the examples of the property tests are the same each time
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    sys.meta_path.insert(0, _Finder(module, source))
    options = ["-x", "--assert=plain", f"--timeout={TEST_LIMIT_S}", "-pno:cacheprovider", "-pno:xdist", "-mnot kill"]
    sys.exit(any(pytest.main([*options, *group]) for group in tests))


class _Finder(MetaPathFinder, InspectLoader):
    """Loads one module from the text it is given."""

    def __init__(self, module: str, source: str) -> None:
        self._module = module
        self._source = source

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 - what finders are called with
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """The module's; None for every other."""
        return ModuleSpec(fullname, self) if fullname == self._module else None

    def get_source(self, fullname: str) -> str:  # noqa: ARG002 - what loaders are called with
        """The text in the place of the module's own."""
        return self._source

"""`python -m tests.crash`: is the ledger as safe as it says, wherever its users are killed?"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ledger.errors import LedgerError
from tests.crash import judge, kills, steps, torn
from tests.crash.cases import CASES

if TYPE_CHECKING:
    from collections.abc import Sequence

_LIMIT_MS: Final = 100  # of a survivor's next operation, but for one in a hundred


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code: 0, or 1 with what was found when a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description="Kill the ledger's users.")
    parser.add_argument("--kills", type=int, default=5_000, help="kills at random moments (default 5000)")
    parser.add_argument("--seed", type=int, default=1, help="of the random moments (default 1)")
    parser.add_argument("--every", type=int, default=1, help="kill after every N-th store only (default 1: after each)")
    parser.add_argument(
        "--limit-ms",
        type=float,
        default=_LIMIT_MS,
        help="for a survivor's next operation at p99; 0 = none (default 100)",
    )
    parser.add_argument("--row", metavar="URL", help="random kills alone, of a ledger in a row of that database")
    chosen = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        try:
            times = [] if chosen.row else _every_store(Path(name), chosen.every)
            place = kills.in_row(chosen.row) if chosen.row else kills.in_file(Path(name, "random"))
            times += list(kills.run(place, chosen.kills, chosen.seed))
        except (judge.Broken, LedgerError) as broken:
            print(f"BROKEN: {broken}", file=sys.stderr)  # noqa: T201 - a command speaks on its streams
            return 1
    return _report(sorted(times), chosen.kills, chosen.limit_ms)


def _every_store(folder: Path, every: int) -> list[float]:
    """Kill each operation after its stores; seconds of each next operation."""
    source = steps.template(folder)
    times: list[float] = []
    print(f"{'operation':<26}{'stores':>8}{'killed':>8}{'torn':>8}")  # noqa: T201
    for case in CASES:
        course = steps.undisturbed(case, source)
        stores = range(1, len(course.images), every)
        times += [steps.killed_after(case, source, course, store) for store in stores]
        halves = torn.check(course)
        print(f"{case.name:<26}{len(course.images) - 1:>8}{len(stores):>8}{halves:>8}", flush=True)  # noqa: T201
    return times


def _report(times: list[float], kills_done: int, limit_ms: float) -> int:
    late = times[int(len(times) * 0.99)]
    print(  # noqa: T201
        f"{kills_done} random kills, {len(times) - kills_done} after a store; the next operation took (ms)"
        f" {statistics.median(times) * 1e3:.2f} at the median, {late * 1e3:.2f} at p99, {times[-1] * 1e3:.2f} at most"
    )
    if 0 < limit_ms < late * 1e3:
        print(f"BROKEN: more than {limit_ms:g} ms at p99", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Draws mutants with a seed, has them tested, and says which ones no test noticed."""

from __future__ import annotations

import argparse
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.mutants import generate, run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WANTED: Final = 0.95  # of the mutants that are not equivalent
_EQUIVALENT: Final = Path(__file__).with_name("equivalent.txt")
_SEPARATOR: Final = " :: "


class Drawn(NamedTuple):
    """A mutant, the file it is made of, and whether it is listed as equivalent."""

    path: Path
    mutant: generate.Mutant
    is_equivalent: bool


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code: 0, or 1 when too many mutants survive or the list of equivalent ones is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description="Mutate the pure packages.")
    parser.add_argument("--seed", type=int, default=1, help="of the sample (default 1)")
    parser.add_argument("--count", type=int, default=100, help="mutants beside those listed as equivalent")
    parser.add_argument("--limit-s", type=float, default=870, help="after which no mutant is begun (default 870)")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time (default 2)")
    parser.add_argument("--only", default="", help="mutate only what has a name that begins so")
    chosen = parser.parse_args(argv)
    until = time.monotonic() + chosen.limit_s
    equivalent = dict(line.split(_SEPARATOR) for line in _EQUIVALENT.read_text(encoding="utf-8").splitlines())
    found = every_mutant(equivalent)
    if gone := equivalent.keys() - {one.mutant.key for one in found}:
        print("There is no such mutant any more, so take it from the list:", *sorted(gone), sep="\n  ")  # noqa: T201
        return 1
    sample = draw([one for one in found if one.mutant.key.startswith(chosen.only)], chosen.seed, chosen.count)
    with ThreadPoolExecutor(chosen.jobs) as pool:
        for path in {run.modules()[one.path]: one.path for one in sample}.values():
            if run.is_killed(path, path.read_text(encoding="utf-8")):
                print(f"A test of {path.relative_to(run.ROOT)} fails without any mutant.")  # noqa: T201
                return 1
        killed = list(pool.map(lambda one: _try(one, until), sample))
    return report(sample, killed)


def every_mutant(equivalent: Mapping[str, str]) -> list[Drawn]:
    """All there are, file by file."""
    return [
        Drawn(path, mutant, mutant.key in equivalent)
        for path in run.modules()
        for mutant in generate.mutants(run.module_name(path), path.read_text(encoding="utf-8"))
    ]


def draw(found: Sequence[Drawn], seed: int, count: int) -> list[Drawn]:
    """Mutants in the order of the seed, until `count` of them are not listed as equivalent."""
    shuffled = random.Random(seed).sample(found, len(found))
    counting = [at for at, one in enumerate(shuffled) if not one.is_equivalent]
    return shuffled[: counting[:count][-1] + 1]


def _try(one: Drawn, until: float) -> bool | None:
    """Whether the mutant is killed; None when the time is over."""
    if time.monotonic() > until:
        return None
    killed = run.is_killed(one.path, one.mutant.source)
    print("." if killed else "e" if one.is_equivalent else "S", end="", flush=True)  # noqa: T201
    return killed


def report(sample: Sequence[Drawn], killed: Sequence[bool | None]) -> int:
    """Print the survivors and the sum; the exit code."""
    judged = [(one, died) for one, died in zip(sample, killed, strict=True) if died is not None]
    counting = [died for one, died in judged if not one.is_equivalent]
    wrong = [one.mutant.key for one, died in judged if died and one.is_equivalent]
    print()  # noqa: T201
    for one, died in judged:
        if not died and not one.is_equivalent:
            print(f"\n{one.path.relative_to(run.ROOT)}:{one.mutant.line}, {one.mutant.key}")  # noqa: T201
            print(_marked("-", one.mutant.before) + _marked("+", one.mutant.after), end="")  # noqa: T201
    if wrong:
        print("\nA test notices it, so take it from the list of equivalent ones:", *wrong, sep="\n  ")  # noqa: T201
    part = sum(counting) / max(1, len(counting))
    print(  # noqa: T201
        f"\n{sum(counting)} of {len(counting)} mutants killed ({part:.1%}, at least {WANTED:.0%} expected); beside them"
        f" {len(judged) - len(counting)} argued to be equivalent, {len(sample) - len(judged)} not run for lack of time"
    )
    return 1 if wrong or part < WANTED or len(judged) < len(sample) else 0


def _marked(sign: str, text: str) -> str:
    return "".join(f"{sign} {line}\n" for line in text.splitlines())

"""Run every scenario and write `docs/scenarios.md` with its pictures.

python -m benchmarks.scenarios [--seed 1] [--out docs]
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.scenarios import document, grid, pictures


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scenarios", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="another seed is another week; the default is documented")
    parser.add_argument("--out", type=Path, default=Path("docs"), help="folder of scenarios.md and scenarios/")
    given = parser.parse_args()
    folder = given.out / "scenarios"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = grid.everything(given.seed)

    def tell(done: int) -> None:
        if sys.stderr.isatty() or done == len(wanted):
            print(f"\r{done} of {len(wanted)} scenarios", end="\n" * (done == len(wanted)), file=sys.stderr, flush=True)

    with ProcessPoolExecutor() as pool:
        results = grid.results(wanted, pool, tell)
        told = grid.stories(grid.WEEK_H, given.seed, pool)
    (given.out / "scenarios.md").write_text(document.text(results, given.seed), encoding="utf-8")
    pictures.balance(told, folder / "balance.svg")
    pictures.deals(told, folder / "deals.svg")
    print(f"wrote {given.out / 'scenarios.md'} and {folder}/*.svg")


if __name__ == "__main__":
    main()

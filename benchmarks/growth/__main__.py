"""Fill databases of three sizes and measure what reading and writing them takes.

    python -m benchmarks.growth [--only queue,deals,...] [--sizes S,M,L,Q] [--home /tmp/growth] [--rounds 5]

The filled clusters stay in the folder `--home` and are used again; `fill` alone fills them, and `copy --to DIR` copies
them for a measurement of your own that changes rows. L takes about 10 GB and ten minutes of CPU.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial

from benchmarks.growth import capacity, disorder, elsewhere, exporting, measure, paging, reading, supervising, writing
from benchmarks.growth.home import Home
from benchmarks.growth.sizes import SIZES

# What is measured, and in which sizes.
PARTS = {
    "queue": (reading.queue_figures, "SLQ"),
    "deals": (reading.deals, "SL"),
    "pages": (paging.deal_pages, "SL"),
    "queries": (reading.queries, "SL"),
    "spend": (reading.spend, "SL"),
    "quarantine": (reading.quarantine, "SL"),
    "export": (exporting.exports, "S"),
    "writes": (writing.writes, "SL"),
    "bytes": (disorder.product_bytes, "SL"),
    "claim": (disorder.claim, ""),
    "rewritten": (disorder.rewritten, ""),
    "supervisor": (supervising.supervisor, ""),
    "pipeline": (elsewhere.pipeline_rows, ""),
    "parse": (elsewhere.parse_rows, ""),
    "capacity": (capacity.capacity, "M"),
}


class Bench:
    """What a part measures on: the URLs of its sizes, and databases of its own to change."""

    def __init__(self, home, urls, rounds):
        self.urls, self.rounds = urls, rounds
        self.servers = {name: measure.Server(url) for name, url in urls.items()}
        self.scratch, self.empty, self.server = home.scratch, home.empty, measure.Server

    def spent(self, conns=None):
        """By size, what gives the CPU seconds of its server so far, with those of its connection in `conns`."""
        return {name: partial(server.spent_s, conns[name] if conns else None) for name, server in self.servers.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", nargs="?", choices=("measure", "fill", "copy"), default="measure")
    parser.add_argument(
        "--only", default=",".join(name for name in PARTS if name != "capacity"), help=f"parts, of {','.join(PARTS)}"
    )
    parser.add_argument("--sizes", help=f"sizes, of {','.join(SIZES)} [as each part needs them]")
    parser.add_argument("--home", default="var/growth", help="folder of the filled clusters [var/growth]")
    parser.add_argument("--scale", type=float, default=1.0, help="so many times the rows [1]")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--refill", action="store_true", help="fill anew what is there")
    parser.add_argument("--to", help="where `copy` copies the clusters to")
    options = parser.parse_args()
    parts = {name: PARTS[name] for name in options.only.split(",")}
    needed = {name for _, sizes in parts.values() for name in sizes}
    wanted = options.sizes.split(",") if options.sizes else [name for name in SIZES if name in needed]
    home = Home(options.home, options.scale)
    if options.action == "copy":
        home.copy(wanted, options.to)
        return
    with home.opened(wanted, refill=options.refill):
        pass
    missed = 0
    for part, sizes in parts.values() if options.action == "measure" else ():
        # Only what the part reads is served meanwhile: a part that changes rows copies a size, which must be at rest.
        own = wanted if options.sizes and sizes else [name for name in wanted if name in sizes]
        with home.opened(own) as urls:
            text, faults = measure.table(part(Bench(home, urls, options.rounds)), wanted)
        print(text, flush=True)
        missed += faults
    sys.exit(missed > 0)


if __name__ == "__main__":
    main()

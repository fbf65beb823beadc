"""What other benchmarks measure and this table asks for: from the reply to the commit, and odd replies."""

from __future__ import annotations

from benchmarks import parse, pipeline
from benchmarks.growth.measure import Aim, Row


def pipeline_rows(bench):
    """One backfill worker against the package's own loop, as in benchmarks/pipeline.py."""
    found, _ = pipeline.measured(rounds=min(3, bench.rounds), count=600)
    ours, theirs = (pipeline.medians(found[name]) for name in ("ours", "theirs"))
    cpu_ms = (ours.client_s + ours.database_s) * 1e3
    return [
        Row("CPU of 100 products, client and server", {"": cpu_ms}, "ms", Aim("", 700)),
        Row("  client", {"": ours.client_s * 1e3}, "ms"),
        Row("  server", {"": ours.database_s * 1e3}, "ms"),
        Row("products a second of a backfill worker", {"ours": ours.rate, "theirs": theirs.rate}, "/s", None),
        Row("  against the package's own loop", {"": pipeline.ratio(found)}, "times", Aim("", 8, at_least=True)),
    ]


def parse_rows(bench):
    """Bodies with what this build does not know, as in benchmarks/parse.py."""
    return [
        Row(f"{line}, bytes to values", {"without": before, "with": after}, "ms", Aim("with", aim_ms))
        for line, before, after, aim_ms in parse.odd(bench.rounds)
    ]

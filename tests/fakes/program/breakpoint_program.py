"""`sluicegate debug` with a breakpoint in a job, as a person sets it: the arguments are the command's."""

from __future__ import annotations

import sys

from supervisor.cli.main import main
from tasks.jobs.backfill import Backfill
from tasks.jobs.upsert import Upsert


def stop(_job):
    breakpoint()  # noqa: T100 - what it is for


if __name__ == "__main__":
    Upsert.step = Backfill.step = stop
    sys.exit(main(["debug", *sys.argv[1:]]))

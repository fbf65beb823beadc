"""`python -m supervisor` is `sluicegate`."""

from __future__ import annotations

import sys

from supervisor.cli.main import main

if __name__ == "__main__":
    sys.exit(main())

"""`python -m tasks.keepa.simulator`."""

from __future__ import annotations

import sys

from tasks.keepa.simulator.cli import main

if __name__ == "__main__":
    sys.exit(main())

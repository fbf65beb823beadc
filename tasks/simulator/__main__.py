"""`python -m tasks.simulator`."""

from __future__ import annotations

import sys

from tasks.simulator.cli import main

if __name__ == "__main__":
    sys.exit(main())

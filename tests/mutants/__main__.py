"""`python -m tests.mutants --seed 1`: do the tests of the pure packages notice a change of what they test?"""

import sys

if __name__ == "__main__":  # each process that runs tests loads this file once more, and needs nothing of the rest
    from tests.mutants.sample import main

    sys.exit(main())

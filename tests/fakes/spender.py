"""A process that reserves, commits, settles and cancels as fast as it can, until it is killed.

`spender.py LEDGER SEED`: writes `ready` once attached; every cost is settled without a reading, so that the books
alone are judged.
"""

import random
import sys

from ledger import Lease, NeedsReading, NeverEnough, TokenLedger


def main() -> None:
    ledger = TokenLedger.attach(sys.argv[1])
    chance = random.Random(int(sys.argv[2]))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        tier = chance.choice(("interactive", "upsert", "backfill"))
        try:
            lease = ledger.try_reserve(tier, chance.randint(1, 5))
        except (NeedsReading, NeverEnough):
            continue
        if not isinstance(lease, Lease):
            continue
        if chance.random() < 0.3:
            lease.cancel()
            continue
        lease.commit()
        lease.settle(chance.randint(0, 2))


if __name__ == "__main__":
    main()

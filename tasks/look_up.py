"""`python -m tasks.look_up DOMAIN ASIN DETAIL`: asks for one product in the interactive tier, for the supervisor.

It is a worker for as long as that takes: settings come as the first line of the lifeline, beats go out on the status
pipe. The last beat has what came of it: `code`, an exit code, and `words` for people.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ledger import LedgerError, SystemClock, TokenLedger
from ledger.localtime import near
from tasks import worker
from tasks.errors import EXIT_FAILED, EXIT_OK, Error, plain
from tasks.ingest.ledger_patience import LedgerPatience
from tasks.jobs.components import JobComponents
from tasks.jobs.look_up import LookUp, LookUps
from tasks.keepa import detail
from tasks.keepa.locales import shop
from tasks.keepa.request import ProductRequest
from tasks.roles import UPSERT
from tasks.runtime.heartbeat_writer import HeartbeatWriter, PipeSink
from tasks.runtime.job import JobContext
from tasks.store.products import products_now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.jobs.look_up import Answer
    from tasks.runtime.log import Logger
    from tasks.runtime.stop import Stop
    from tasks.settings import WorkerSettings

NAME: Final = "fetch"


def main(argv: Sequence[str] | None = None) -> int:
    """Ask for the product; the exit code, which is 0 whatever came of it."""
    return worker.run(_options(argv), NAME, _live)


def _live(options: argparse.Namespace, given: WorkerSettings, stop: Stop, log: Logger) -> int:
    clock = SystemClock()
    beat = HeartbeatWriter(PipeSink(options.status_fd), clock)
    beat.ready()
    try:
        code, words = _ask(options, given, stop, log, beat)
    except (Error, LedgerError) as error:
        code, words = error.exit_code, plain(error)
    beat.job(code=code, words=words)
    beat.phase("stopping")
    return EXIT_OK


def _ask(
    options: argparse.Namespace, given: WorkerSettings, stop: Stop, log: Logger, beat: HeartbeatWriter
) -> tuple[int, str]:
    """What came of it: an exit code, and words for people.

    Raises:
        Error: the API, the database or the stop kept it from being answered.
        LedgerError: the plan can never pay for it, or the ledger cannot be used.
    """
    name = f"{NAME}-{options.slot}"
    home = worker.row_of(worker.line_of(name, given), given)
    with closing(TokenLedger.attach(given.ledger_path) if home is None else TokenLedger(home)) as ledger:
        context = JobContext(
            role=UPSERT,  # no job is made of it; what it pays is paid by the interactive tier
            settings=given,
            ledger=ledger,
            clock=SystemClock(),
            stop=stop,
            log=log,
            beat=beat,
            blocking=True,
            worker=name,
        )
        if home is not None:
            home.patience = LedgerPatience(context)
        with closing(JobComponents(context)) as components:
            look_ups = LookUps(context, components)
            look_ups.start()
            look_up = LookUp(ProductRequest(options.domain, (options.asin,), options.detail))
            look_ups.estimate(look_up)
            asked = datetime.now(UTC)
            answer = look_ups.fetch(look_up)
            found = components.session.run(
                lambda connection: products_now.products_now(connection, options.domain, [options.asin])
            )
    product = found.get(options.asin)
    if product is None or not product.is_found:
        return EXIT_FAILED, f"Keepa does not know {options.asin} in {shop(options.domain)}; {_paid(answer, given)}"
    if answer.faults:
        return EXIT_FAILED, f"a part of the reply cannot be used, and is in quarantine; {_paid(answer, given)}"
    if product.news_at < asked and not answer.is_of_before:
        return EXIT_OK, f"nothing new since {near(product.news_at, asked)}; {_paid(answer, given)}"
    return EXIT_OK, f"written; {_paid(answer, given)}"


def _paid(answer: Answer, given: WorkerSettings) -> str:
    """What it cost, and which of several keys has paid."""
    if answer.cost is None:
        return "the reply does not say what it cost"
    balance = "" if answer.balance is None else f"; balance {answer.balance}"
    whose = f" of the key {given.key_name}" if given.keys else ""
    return f"charged {answer.cost} token{'' if answer.cost == 1 else 's'}{whose}{balance}"


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tasks.look_up", description="One product; the supervisor asks.")
    parser.add_argument("domain", type=int, help="Keepa's number of the locale")
    parser.add_argument("asin")
    parser.add_argument("detail", type=detail.detail, help="how much to fetch")
    worker.add_pipes(parser)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())

"""The commands and their arguments; each does its work in a module of its own."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

from supervisor.config.option_texts import help_text
from supervisor.queries import arguments as queries
from tasks import command_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_EXIT_CODES: Final = """\
exit codes: 0 ended as asked, 1 gave up, 2 usage, 3 degraded and 4 not running (status), 70 a bug,
73 already running, 75 try later, 77 refused by the API, 78 configuration, 130 and 143 killed by a second signal"""

_TAKEN: Final = "Ctrl-C ends the waiting for the answer alone: an order that was taken is carried out."


def dispatch(arguments: Sequence[str]) -> int:
    """Do what the arguments say; the exit code.

    Raises:
        Error: as the command does.
    """
    # These take every argument themselves, --help included.
    passed_on: dict[str, Callable[[list[str]], int]] = {
        "simulator": _simulator,
        "ledger": _ledger,
        "psql": partial(_postgres, "psql"),
        "pg-dump": partial(_postgres, "pg_dump"),
        "pg-restore": partial(_postgres, "pg_restore"),
    }
    if arguments and arguments[0] in passed_on:
        return passed_on[arguments[0]](list(arguments[1:]))
    chosen, unknown = _parser().parse_known_args(arguments)
    if unknown:
        chosen.parser.error(command_line.UNKNOWN + " ".join(unknown))
    do: Callable[[argparse.Namespace], int] = chosen.do
    return do(chosen)


def _parser() -> argparse.ArgumentParser:
    parser = command_line.Parser(
        prog="sluicegate",
        description="Ingests Amazon deals from the Keepa API into PostgreSQL under one shared token budget.",
        epilog=f"{help_text()}\n\n{_EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    into = command_line.Parser(add_help=False)
    into.add_argument(
        "--synthetic-into-database", action="store_true", help="without a key, write synthetic rows to DATABASE_URL"
    )

    run = commands.add_parser(
        "run", parents=[into], help="start the supervisor: database, workers, a simulator when there is no key"
    )
    run.set_defaults(do=_run)

    debug = commands.add_parser(
        "debug", parents=[into], help="the same jobs in this one process, so that breakpoints work"
    )
    debug.add_argument("--task", choices=("upsert", "backfill"), help="only this job; both take turns otherwise")
    debug.add_argument("--once", action="store_true", help="end after one poll and one batch")
    debug.set_defaults(do=_debug)

    status = commands.add_parser(
        "status", help="workers, tokens, gates, rows, faults; exit 0 well, 3 degraded, 4 not running"
    )
    status.add_argument("--json", action="store_true", help="as one JSON object")
    status.add_argument("--watch", action="store_true", help="again every second, until Ctrl-C")
    status.set_defaults(do=_status)

    _add_orders(commands)

    doctor = commands.add_parser(
        "doctor", help="check settings, state directory, ledger, database and key; changes nothing"
    )
    doctor.add_argument("--json", action="store_true", help="as one JSON object")
    doctor.set_defaults(do=_doctor)

    queries.add(commands)

    commands.add_parser(
        "db-url", help="print the URL of the database in use, with its password; `doctor` shows it without"
    ).set_defaults(do=_db_url)
    commands.add_parser("psql", help="open psql on that database; arguments are psql's", add_help=False)
    commands.add_parser("pg-dump", help="back that database up; arguments are pg_dump's", add_help=False)
    commands.add_parser(
        "pg-restore",
        help="fill it from a back-up, with nothing running (or --force); arguments are pg_restore's",
        add_help=False,
    )
    commands.add_parser(
        "simulator", help="the Keepa-compatible server by itself; --help shows its options", add_help=False
    )
    commands.add_parser(
        "ledger", help="`ledger dump` prints the token ledger; --help shows its options", add_help=False
    )
    for command in commands.choices.values():
        command.set_defaults(parser=command)
    return parser


def _add_orders(commands: argparse._SubParsersAction[command_line.Parser]) -> None:
    """What a running supervisor can be asked for; the answer comes when it is done."""

    def add(name: str, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text, epilog=_TAKEN)
        command.set_defaults(do=_order, name=name)
        return command

    roles = ("upsert", "backfill")
    add("pause", "end the work of these workers until `resume`, over new starts too").add_argument(
        "role", choices=(*roles, "all")
    )
    add("resume", "start them again, and pay again for what was stopped as unusable").add_argument(
        "role", choices=(*roles, "all")
    )
    add("restart", "a fresh process for one worker; planned, so it counts as no death").add_argument(
        "worker", metavar="WORKER", help="as status names it: backfill-0"
    )
    add("retry", "start a worker that was given up, its deaths forgiven").add_argument("worker", metavar="WORKER")
    scale = add("scale", "have so many workers until the supervisor ends; the highest ones go first")
    scale.add_argument("role", choices=roles)
    scale.add_argument("count", metavar="N", help="0 to 16")
    add("set", "go by other settings until the supervisor ends; an empty value takes one back").add_argument(
        "settings", metavar="NAME=VALUE", nargs="+"
    )
    add("reload", "read the configuration again, as SIGHUP does; one with a fault changes nothing")


def _order(chosen: argparse.Namespace) -> int:
    from supervisor.control import client

    return client.send_order(chosen)


def _run(chosen: argparse.Namespace) -> int:
    from supervisor.cli.run import run

    return run(synthetic_into_database=chosen.synthetic_into_database)


def _debug(chosen: argparse.Namespace) -> int:
    from supervisor.cli.debug import debug

    return debug(task=chosen.task, once=chosen.once, synthetic_into_database=chosen.synthetic_into_database)


def _status(chosen: argparse.Namespace) -> int:
    from supervisor.cli.status import show

    return show(as_json=chosen.json, watch=chosen.watch)


def _doctor(chosen: argparse.Namespace) -> int:
    from supervisor.cli import doctor

    return doctor.examine(as_json=chosen.json)


def _db_url(_chosen: argparse.Namespace) -> int:
    from supervisor.cli import postgres

    url = postgres.database_url()
    if sys.stdout.isatty() and postgres.has_secret(url):
        sys.stderr.write("sluicegate: this line shows a password; `sluicegate psql` connects without showing one\n")
    sys.stdout.write(url.reveal() + "\n")
    return 0


def _postgres(name: Literal["psql", "pg_dump", "pg_restore"], arguments: list[str]) -> int:
    from supervisor.cli import postgres

    return postgres.tool(name, arguments)


def _simulator(arguments: list[str]) -> int:
    from tasks.simulator import cli

    return cli.main(arguments)


def _ledger(arguments: list[str]) -> int:
    from ledger import __main__ as ledger_command
    from supervisor.cli import postgres

    return ledger_command.main(postgres.with_ledger_path(arguments), prog="sluicegate ledger")

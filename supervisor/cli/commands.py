"""The commands and their arguments; each does its work in a module of its own."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

from supervisor.cli import completion, schema
from supervisor.cli.settings_help import settings_help
from supervisor.cli.version import Version
from supervisor.notify import arguments as notify_arguments
from supervisor.queries.arguments import commands as queries
from supervisor.queries.arguments import fetch as fetch_arguments
from supervisor.selections import arguments as selections
from tasks import command_line
from tasks.roles import ROLES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_EXIT_CODES: Final = """\
exit codes: 0 done, 1 failed, 2 wrong usage, 3 degraded and 4 not running (status), 70 a bug, 73 already
running, 75 try again later, 77 the API refuses the key, 78 the configuration cannot be used, 130 and 143
killed by a second signal"""

# These commands read all their arguments themselves, --help included.
_PASSED_ON: Final = {
    "psql": "open psql on the database in use; takes the arguments of psql",
    "pg-dump": "back up the database in use; takes the arguments of pg_dump",
    "pg-restore": "fill the database from a backup while nothing runs (or with --force); takes those of pg_restore",
    "simulator": "run the Keepa-compatible simulator by itself; `simulator --help` shows its options",
    "ledger": "`ledger dump` prints the token ledger; `ledger --help` shows its options",
}
_ORDERS: Final = {
    "pause": "stop these workers until `resume`, even if the supervisor is started again",
    "resume": "start these workers again, and release the brake on calls whose replies could not be used",
    "restart": "replace the process of one worker; this does not count as a failure",
    "retry": "start a FAILED worker again, or one that waits after a failure, and reset its failures",
    "scale": "change the number of workers until the supervisor ends; those with the highest numbers stop first",
    "set": "override settings until the supervisor ends; an empty value (NAME=) ends the override",
    "drain": "finish the calls under way on this host, or on the one of that name, begin no more, and leave the others",
    "reload": "read .env and the selection files again, as SIGHUP does; if there is a fault in them, nothing changes",
}
_ACCEPTED: Final = "Ctrl-C only ends the wait for the answer: an order that was accepted is still carried out."


def dispatch(arguments: Sequence[str]) -> int:
    """Do what the arguments say, and return the exit code.

    Raises:
        Error: as the command does.
    """
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
        epilog=f"{settings_help()}\n\n{_EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=Version, nargs=0, help="print the version of everything, and end")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    into = command_line.Parser(add_help=False)
    into.add_argument(
        "--synthetic-into-database",
        action="store_true",
        help="without an API key, write synthetic rows to DATABASE_URL",
    )

    _add_init(commands)
    run = commands.add_parser(
        "run", parents=[into], help="start the supervisor with its workers and, if needed, a database and a simulator"
    )
    run.add_argument(
        "--join",
        action="store_true",
        help="share the token ledger in DATABASE_URL with all hosts that use the key, as LEDGER=database does",
    )
    run.set_defaults(do=_run)

    debug = commands.add_parser(
        "debug", parents=[into], help="run the same jobs in one process, so that breakpoints work"
    )
    debug.add_argument("--task", choices=ROLES, help="run only this job; without it, both take turns")
    debug.add_argument("--once", action="store_true", help="end after one look for new deals and one batch of products")
    debug.add_argument("--key", metavar="NAME", help="the jobs of this one of several keys [the first]")
    debug.set_defaults(do=_debug)

    status = commands.add_parser(
        "status",
        help="show workers, tokens, gates, rows and faults; exit code 0: all is well, 3: degraded, 4: not running",
    )
    status.add_argument("--json", action="store_true", help="print one JSON object")
    status.add_argument("--watch", action="store_true", help="show it anew every second, until Ctrl-C")
    status.set_defaults(do=_status)

    _add_orders(commands)

    _add_doctor(commands)
    queries.add(commands)
    selections.add(commands)
    notify_arguments.add(commands)
    completion.add(commands, _parser)
    schema.add(commands)
    _add_fetch(commands)
    _add_db(commands)

    commands.add_parser(
        "db-url", help="print the URL of the database in use, with its password; `doctor` shows it without one"
    ).set_defaults(do=_db_url)
    for name, text in _PASSED_ON.items():
        commands.add_parser(name, help=text, add_help=False)
    for command in commands.choices.values():
        command.set_defaults(parser=command)
    return parser


def _add_orders(commands: argparse._SubParsersAction[command_line.Parser]) -> None:
    """Add the orders to a running supervisor; each returns when it is carried out."""
    orders = {}
    for name, text in _ORDERS.items():
        orders[name] = commands.add_parser(name, help=text, description=text, epilog=_ACCEPTED)
        orders[name].set_defaults(do=_order, name=name)
    for name in ("pause", "resume"):
        orders[name].add_argument("role", choices=(*ROLES, "all"), help="the workers of this job, or of both")
    for name in ("restart", "retry"):
        orders[name].add_argument("worker", metavar="WORKER", help="its name in `status`, such as backfill-0")
    orders["scale"].add_argument("role", choices=ROLES, help="the workers of this job")
    orders["scale"].add_argument("count", metavar="N", help="how many there are to be, from 0 to 16")
    orders["drain"].add_argument(
        "host", metavar="HOST", nargs="?", help="its name or number in `sluicegate hosts` [this one]"
    )
    orders["set"].add_argument(
        "settings", metavar="NAME=VALUE", nargs="+", help="a setting and its value, such as BACKFILL_FLOOR=300"
    )


def _add_doctor(commands: argparse._SubParsersAction[command_line.Parser]) -> None:
    doctor = commands.add_parser(
        "doctor", help="check settings, state directory, ledger, database and API key; changes nothing"
    )
    doctor.add_argument("--json", action="store_true", help="print one JSON object")
    doctor.set_defaults(do=_doctor)

    web = commands.add_parser(
        "web", help="print the link to the page of the running supervisor; it lets a browser in, so keep it to yourself"
    )
    web.add_argument("--open", action="store_true", help="open it in a browser instead")
    web.add_argument(
        "--new-token", action="store_true", help="make another token: all links and browsers up to now are shut out"
    )
    web.set_defaults(do=_web)


def _add_init(commands: argparse._SubParsersAction[command_line.Parser]) -> None:
    init = commands.add_parser("init", help="ask for the API key, say what it allows, and write it into .env")
    init.add_argument("--unit", action="store_true", help="also install a systemd unit of your user, without asking")
    init.set_defaults(do=_init)


def _add_fetch(commands: argparse._SubParsersAction[command_line.Parser]) -> None:
    """Add the command that asks the API for a product by hand."""
    fetch = commands.add_parser(
        "fetch",
        help="ask Keepa for a product now, by ASIN, address, EAN or UPC; says the cost, and waits for the tokens",
        description="Asks Keepa for products now. It says what that may cost before it is paid for, waits for the "
        "tokens before all other work does, writes what comes to the database, and prints it.",
    )
    fetch_arguments.add_to(fetch)
    fetch.set_defaults(do=_fetch)


def _add_db(commands: argparse._SubParsersAction[command_line.Parser]) -> None:
    """Add the commands that look after the database itself."""
    db = commands.add_parser(
        "db", help="look after the database: `size`, `prune`, `partition`, `upgrade`"
    ).add_subparsers(title="commands", metavar="COMMAND", required=True)
    upgrade = db.add_parser(
        "upgrade",
        help="move the embedded database to the PostgreSQL programs in use, when another major version made it",
        description="Moves the embedded database to the major version of the PostgreSQL programs in use: its rows are "
        "dumped from the old server into a new one and counted there. The old directory stays. Nothing else may run.",
    )
    upgrade.add_argument(
        "--from", dest="old", metavar="DIRECTORY", help="folder of the PostgreSQL programs that made it"
    )
    upgrade.add_argument("--json", action="store_true", help="print one JSON object")
    upgrade.set_defaults(do=_db_upgrade, parser=upgrade)
    queries.add_to_db(db)


def _order(chosen: argparse.Namespace) -> int:
    if chosen.name == "drain" and chosen.host is not None:
        from supervisor.queries.drain import drain

        return drain(chosen.host)
    from supervisor.control.send_order import send_order

    return send_order(chosen)


def _init(chosen: argparse.Namespace) -> int:
    from supervisor.cli.setup import init

    return init.run(chosen)


def _run(chosen: argparse.Namespace) -> int:
    from supervisor.cli.run import run

    return run(synthetic_into_database=chosen.synthetic_into_database, joins=chosen.join)


def _debug(chosen: argparse.Namespace) -> int:
    from supervisor.cli.debug import debug

    into = chosen.synthetic_into_database
    return debug(task=chosen.task, once=chosen.once, synthetic_into_database=into, key=chosen.key)


def _status(chosen: argparse.Namespace) -> int:
    from supervisor.cli.status import show

    return show(as_json=chosen.json, watch=chosen.watch)


def _doctor(chosen: argparse.Namespace) -> int:
    from supervisor.cli import doctor

    return doctor.examine(as_json=chosen.json)


def _fetch(chosen: argparse.Namespace) -> int:
    from supervisor.cli.fetch.fetch import fetch

    return fetch(chosen)


def _web(chosen: argparse.Namespace) -> int:
    from supervisor.cli.web import web

    return web(opens=chosen.open, renews=chosen.new_token)


def _db_upgrade(chosen: argparse.Namespace) -> int:
    from supervisor.cli import db_upgrade

    return db_upgrade.upgrade(chosen.old, as_json=chosen.json)


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

    source = postgres.ledger_in_database(arguments)
    given = arguments if source is not None else postgres.with_ledger_path(arguments)
    return ledger_command.main(given, prog="sluicegate ledger", source=source)

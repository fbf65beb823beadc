"""The commands that ask the database, with the arguments of most of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger import durations
from supervisor.queries import parsing
from supervisor.queries.arguments import deals, export, watch
from supervisor.queries.arguments.parts import add_domain, add_formats, typed

if TYPE_CHECKING:
    import argparse

    from supervisor.queries.arguments.parts import Commands


def add(commands: Commands) -> None:
    """Add the commands."""
    deals.add(commands)
    _history(commands)
    _spend(commands)
    _quarantine(commands)
    _queue(commands)
    _hosts(commands)
    watch.add(commands)
    export.add(commands)


def _history(commands: Commands) -> None:
    parser = commands.add_parser("history", help="show the price history of one product")
    parser.add_argument(
        "product",
        type=typed(parsing.product),
        metavar="ASIN",
        help="ten digits and capital letters, or the address of its page at Amazon or Keepa",
    )
    parser.add_argument(
        "--type",
        type=typed(parsing.price_type),
        action="append",
        metavar="NAME",
        help="price type, such as NEW, AMAZON, SALES; may be repeated [an overview of all]",
    )
    parser.add_argument(
        "--since",
        type=typed(durations.parse_duration),
        metavar="TIME",
        help="only this last part, such as 90d, 52w [all]",
    )
    parser.add_argument("--plot", action="store_true", help="draw it as a chart")
    add_domain(parser)
    add_formats(parser)
    parser.set_defaults(do=_do_history)


def _spend(commands: Commands) -> None:
    parser = commands.add_parser(
        "spend", help="show where the tokens went, also hour by hour, and what of the next day's will expire and why"
    )
    parser.add_argument(
        "--since",
        type=typed(durations.parse_duration),
        default=durations.parse_duration("24h"),
        metavar="TIME",
        help="only this last part, such as 90m, 24h, 7d [24h]",
    )
    parser.add_argument(
        "--by", choices=("tier", "endpoint", "shape", "key", "host"), default="tier", help="one line for each [tier]"
    )
    parser.add_argument("--key", metavar="NAME", help="of several keys this one alone, with its balance [all together]")
    parser.add_argument(
        "--per", choices=("hour", "day"), help="a line for each hour or day (UTC) with a column for each of --by"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(do=_do_spend)


def _quarantine(commands: Commands) -> None:
    actions = commands.add_parser("quarantine", help="list, show, retry or delete what could not be used")
    verbs = actions.add_subparsers(title="what to do", metavar="ACTION", dest="action", required=True)

    listing = verbs.add_parser("list", help="list the faults, latest first")
    _add_filters(listing)
    listing.add_argument("--limit", type=typed(parsing.count), default=50, metavar="N", help="at most this many [50]")
    listing.add_argument("--json", action="store_true", help="print one JSON object")

    show = verbs.add_parser("show", help="show one fault, with what was received")
    show.add_argument("id", type=typed(parsing.number), metavar="NO", help="its number in the list")
    shapes = show.add_mutually_exclusive_group()
    shapes.add_argument("--raw", action="store_true", help="print only what was received, byte for byte")
    shapes.add_argument("--json", action="store_true", help="print one JSON object")

    retry = verbs.add_parser("retry", help="read again what was received; where nothing was, queue it again")
    _add_choice(retry)
    retry.add_argument(
        "--refetch", action="store_true", help="spend tokens to fetch products again that still cannot be read"
    )

    drop = verbs.add_parser("drop", help="delete faults for good")
    _add_choice(drop)
    drop.add_argument("--yes", action="store_true", help="needed with --all and with filters")
    for verb in verbs.choices.values():
        verb.set_defaults(do=_do_quarantine, parser=verb)


def _queue(commands: Commands) -> None:
    parser = commands.add_parser(
        "queue", help="show what waits to be fetched, by selection, or delete what no selection asks for"
    )
    parser.add_argument(
        "action",
        nargs="?",
        choices=("list", "drop"),
        default="list",
        help="drop: delete what was queued for selections and locales that are no longer in the settings",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(do=_do_queue)


def _hosts(commands: Commands) -> None:
    parser = commands.add_parser("hosts", help="show the hosts that write to the database, and which of them are alive")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(do=_do_hosts)


def add_to_db(verbs: Commands) -> None:
    """Add those of the commands `db` that ask the database."""
    size = verbs.add_parser("size", help="show what takes the room, what a year adds, and what each setting would free")
    size.set_defaults(do=_do_db_size, parser=size)
    prune = verbs.add_parser("prune", help="delete now what the settings keep no longer")
    prune.add_argument("--dry-run", action="store_true", help="only say what would go")
    prune.add_argument("--yes", action="store_true", help="needed to delete by NAME=DAYS")
    prune.set_defaults(do=_do_db_prune, parser=prune)
    partition = verbs.add_parser(
        "partition",
        help="move the large tables into partitions by the hash of the ASIN, while everything runs",
        description="Copies the large tables into partitions, in steps that can be broken off and gone on with by "
        "the same command. What is written meanwhile is written to both. At the end the tables in partitions take the "
        "place of the others, with views, rights, comments and storage parameters. Make a back-up before.",
    )
    partition.add_argument(
        "--partitions", type=typed(parsing.partitions), default=16, metavar="N", help="parts of each table [16]"
    )
    partition.add_argument("--dry-run", action="store_true", help="say what it takes, and try it with one row of each")
    partition.add_argument("--abandon", action="store_true", help="drop what was copied, and keep the tables")
    partition.add_argument("--json", action="store_true", help="print one JSON object")
    partition.set_defaults(do=_do_db_partition, parser=partition)
    for verb, words in ((size, "another value for a setting"), (prune, "delete by these values alone, of settings")):
        verb.add_argument(
            "keep",
            type=typed(parsing.kept_days),
            nargs="*",
            metavar="NAME=DAYS",
            help=f"{words} such as DEALS_KEEP_D, for this command alone",
        )
        verb.add_argument("--json", action="store_true", help="print one JSON object")


def _add_choice(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", type=typed(parsing.number), nargs="*", metavar="NO", help="numbers in the list")
    parser.add_argument("--all", action="store_true", help="everything")
    _add_filters(parser)


def _add_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kind", choices=("deal", "product", "request", "body"), help="only faults of this kind")
    parser.add_argument("--key", metavar="TEXT", help="only faults whose key has this text in it, such as an ASIN")
    parser.add_argument("--reason", metavar="TEXT", help="only faults whose reason has this text in it")
    add_domain(parser)


def _do_history(chosen: argparse.Namespace) -> int:
    from supervisor.queries import history

    return history.show(chosen)


def _do_spend(chosen: argparse.Namespace) -> int:
    from supervisor.queries import spend

    if chosen.per is not None:
        from supervisor.queries import spend_by_time

        return spend_by_time.show(
            since=chosen.since, step=chosen.per, by=chosen.by, as_json=chosen.json, key=chosen.key
        )
    return spend.show(since=chosen.since, by=chosen.by, as_json=chosen.json, key=chosen.key)


def _do_quarantine(chosen: argparse.Namespace) -> int:
    from supervisor.queries import quarantine

    do = {"list": quarantine.list_, "show": quarantine.show, "retry": quarantine.retry, "drop": quarantine.drop}
    return do[chosen.action](chosen)


def _do_hosts(chosen: argparse.Namespace) -> int:
    from supervisor.queries import hosts

    return hosts.show(chosen)


def _do_queue(chosen: argparse.Namespace) -> int:
    from supervisor.queries import queue

    return queue.drop(chosen) if chosen.action == "drop" else queue.show(chosen)


def _do_db_size(chosen: argparse.Namespace) -> int:
    from supervisor.queries.db import size as db_size

    return db_size.show(chosen)


def _do_db_prune(chosen: argparse.Namespace) -> int:
    from supervisor.queries.db import prune as db_prune

    return db_prune.run(chosen)


def _do_db_partition(chosen: argparse.Namespace) -> int:
    from supervisor.queries.db import partition as db_partition

    return db_partition.run(chosen)

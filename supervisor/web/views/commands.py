"""Every command of `sluicegate`: where the page has the same, or why it has not. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple


class Command(NamedTuple):
    """A command as people type it.

    Attributes:
        name: the word after `sluicegate`.
        place: the address on the page that offers the same; empty when there is none.
        words: what of it is there, or why it is not.
    """

    name: str
    place: str
    words: str


_FILES: Final = "It writes files, and the page's process writes none."
_TERMINAL: Final = "It is a program for a terminal."
COMMANDS: Final = (
    Command("status", "/", "all of it, live"),
    Command("pause", "/orders/pause?role=all", "of all workers here, of one kind in the table of tiers"),
    Command("resume", "/orders/resume?role=all", "releases the brake on calls too, as the command does"),
    Command("restart", "/", "in the table of processes"),
    Command("retry", "/", "in the table of processes, for a worker that has failed or waits after a failure"),
    Command("scale", "/orders/scale?role=backfill", "of upsert and of backfill"),
    Command("set", "/settings", "one setting at a time; an empty value ends the override"),
    Command("reload", "/orders/reload", "the same"),
    Command("deals", "/deals", "with the same conditions; --resale shows what is left when it is sold again"),
    Command("history", "/deals", "on the page of each product"),
    Command("fetch", "/deals", "on the page of each product, by its ASIN; a code (EAN, UPC) is for the command"),
    Command("spend", "/tokens", "with a chart by the hour or day"),
    Command("quarantine", "/quarantine", "list, show, retry and drop, up to a thousand faults at once"),
    Command("selection", "/selections", "explain and check; preview costs tokens, and add writes a file"),
    Command("watch", "/selections", "what each list names and how far it is read; add writes a file"),
    Command("ledger", "/", "balance, tiers, waiters; the command has each call that is open and the journal too"),
    Command("export", "", "Lists are here as CSV and JSON; whole tables take longer than a page may."),
    Command("plan", "", "It may ask the API for a page, which costs tokens, and it takes files."),
    Command("notify", "", "Where messages go is a secret; a target that refuses them is told on the page Now."),
    Command("queue", "/queue", "by selection; drop removes up to 100,000 products that nobody asks for, after a count"),
    Command("hosts", "/", "where several share the database"),
    Command("drain", "", "The host that serves this page would leave the others; `pause` of all workers is here."),
    Command("doctor", "", "It checks what the page itself needs, so it works without the page."),
    Command("db", "", "It takes long, holds locks or deletes for good: it wants somebody who waits for its end."),
    Command("db-url", "", "A password would be shown."),
    Command("psql", "", _TERMINAL),
    Command("pg-dump", "", _FILES),
    Command("pg-restore", "", "It needs a database that nobody uses."),
    Command("init", "", _FILES),
    Command("run", "", "The page is there while it runs."),
    Command("debug", "", _TERMINAL),
    Command("completion", "", _TERMINAL),
    Command("man", "", _TERMINAL),
    Command("schema", "", "It is for those who write programs."),
    Command("simulator", "", _TERMINAL),
    Command("web", "", "It prints the link to this page."),
)

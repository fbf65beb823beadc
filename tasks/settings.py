"""The settings of a worker: one value, sent at its start as one line of JSON over a pipe and nowhere else.

The supervisor alone reads the environment and the selection files; a worker gets the result. Secrets go in clear
over that pipe because a pipe is not visible to other users, unlike an argument or the environment.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

import msgspec

from tasks.pipe_codec import PipeCodec
from tasks.secret import Secret

DEFAULT_KEY: Final = "default"
"""The name of the only key there is without others."""
_DETAIL: Final = r"(stats|history|offers)(\+(buybox|days=[0-9]+|only-live-offers|rating|stock))*"

Detail = Annotated[str, msgspec.Meta(pattern=f"^{_DETAIL}$")]
"""How much is fetched of a product, as `tasks.keepa.detail` writes it."""
DetailOrNone = Annotated[str, msgspec.Meta(pattern=f"^(none|{_DETAIL})$")]
"""Likewise, or "none"."""


class SelectionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One selection: `name` is its file's stem (or "default"), `query` the JSON object, already validated."""

    name: str
    query: dict[str, Any]


class SourceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A source of products besides selections: `name` is its file's stem, `query` the JSON object, validated."""

    name: str
    query: dict[str, Any]


class WatchListSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A list of products in one locale, already validated; its contents stay where they are.

    Attributes:
        name: the stem of its file, or the name of its table.
        detail: how much is fetched of each product (`tasks.keepa.detail`).
        refresh_s: seconds after which a product is fetched again.
        path: its file, absolute; empty for a table.
        table: its table in the database; empty for a file.
        digest: a hash of the file's contents, so that another content is not taken for the one that was validated.
        products: how many the file has; 0 for a table.
    """

    name: str
    domain: int
    detail: Detail
    refresh_s: float
    path: str = ""
    table: str = ""
    digest: str = ""
    products: int = 0

    @property
    def key(self) -> str:
        """Twelve hex digits that stay the same whatever the list holds and however fresh it is kept."""
        text = f"watch {self.name} {self.domain} {self.detail}"
        return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


class JobSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings that reach a worker as they were set; `supervisor.config.options` has their defaults.

    Attributes:
        keepa_domains: Keepa's numbers of Amazon locales, for the selections that name none themselves.
        upsert_detail: how much is fetched of a new deal (`tasks.keepa.detail`), or "none".
        backfill_detail: how much is fetched of a product of the queue.
        poll_interval_s: seconds between two walks of upsert, or None for the automatic interval.
        retry_deadline_s: seconds that claimed products stay with a worker, in addition to the longest call.
        max_attempts: attempts to fetch one item of the queue before it is quarantined.
        history_max_age_d: days after which a product that is still a deal is fetched again; 0 for never.
        spool_limit_mb: megabytes of unprocessed replies on disk above which no further call is made.
        max_body_mb: megabytes of one reply, packed or unpacked, above which it is refused.
    """

    connect_timeout_s: float
    read_timeout_s: float
    retry_deadline_s: float
    max_body_mb: int
    keepa_domains: tuple[int, ...]
    upsert_detail: DetailOrNone
    backfill_detail: Detail
    poll_interval_s: float | None
    max_attempts: int
    history_max_age_d: float
    spool_limit_mb: int
    log_level: Literal["debug", "info", "warning", "error"]


class KeySettings(msgspec.Struct, frozen=True, kw_only=True):
    """One of several keys, with its own tokens.

    Attributes:
        name: what people call it; the key itself is shown nowhere.
        ledger_path: the file of its ledger.
        ledger_account: the row of its ledger in the database.
        pool: keys of one pool pay for what any of them asks for.
        selections, sources, watch_lists: what it lists; what several keys name is with the first of them.
    """

    name: str
    api_key: Secret
    ledger_path: str
    ledger_account: int = 0
    pool: str = ""
    selections: tuple[SelectionSettings, ...] = ()
    sources: tuple[SourceSettings, ...] = ()
    watch_lists: tuple[WatchListSettings, ...] = ()


class WorkerSettings(JobSettings, frozen=True, kw_only=True):
    """Everything a worker needs to know: what was set, and what the supervisor found out for this run.

    Attributes:
        base_url: the server that answers the calls.
        selections: the selections themselves, read and validated.
        ledger_account: the ledger's row in the database.
        ledger_host: the number of this host among those that share it; 0 when the ledger is the file `ledger_path`.
        sources: what else than selections lists products for backfill.
        watch_lists: the lists of products that are kept fresh.
        key_name: what people call the key.
        host_name: what this host is called; empty where nobody asks.
        host_id: what the state directory is called among those of all hosts; empty where that does not matter.
        is_alone: whether no other host reaches the database.
        keys: every key, where there are several; the fields beside are then those of all of them together.
    """

    api_key: Secret
    base_url: str
    database_url: Secret
    ledger_path: str
    spool_dir: str
    selections: tuple[SelectionSettings, ...]
    ledger_account: int = 0
    ledger_host: int = 0
    sources: tuple[SourceSettings, ...] = ()
    watch_lists: tuple[WatchListSettings, ...] = ()
    key_name: str = DEFAULT_KEY
    host_name: str = ""
    host_id: str = ""
    is_alone: bool = False
    keys: tuple[KeySettings, ...] = ()

    @property
    def server(self) -> str:
        """The host that calls go to, and the port where it is named, without a login in front of it."""
        return urlsplit(self.base_url).netloc.rpartition("@")[2]

    @property
    def longest_call_s(self) -> float:
        """Seconds a call takes at the most, from the first look-up to the last byte."""
        return longest_call_s(self.connect_timeout_s, self.read_timeout_s)

    @property
    def lease_s(self) -> float:
        """Seconds a worker holds work at most: a call that takes all its time, and the tries of one that fails.

        What was answered and waits for the database longer than that is not paid for again: its reply is in the spool.
        """
        return self.longest_call_s + self.retry_deadline_s


def of_each_key(settings: WorkerSettings) -> tuple[WorkerSettings, ...]:
    """The settings for each key by itself; `keys` stays, so that each knows the others of its pool."""
    return tuple(of_key(settings, key) for key in settings.keys) or (settings,)


def of_key(settings: WorkerSettings, key: KeySettings) -> WorkerSettings:
    """The settings for one of the keys."""
    return msgspec.structs.replace(
        settings,
        key_name=key.name,
        api_key=key.api_key,
        ledger_path=key.ledger_path,
        ledger_account=key.ledger_account,
        selections=key.selections,
        sources=key.sources,
        watch_lists=key.watch_lists,
    )


def longest_call_s(connect_timeout_s: float, read_timeout_s: float) -> float:
    """Seconds a call may take as a whole: to connect, for the server's silence, and for the body.

    The server works on a hundred products with offers for up to a minute before it says a word. Source: public reports.
    """
    return connect_timeout_s + 2 * read_timeout_s


CODEC: Final = PipeCodec(WorkerSettings)
"""How they reach a worker."""

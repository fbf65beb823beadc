"""What is said to the database about a ledger in a row, and what it answers, in numbers and bytes. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from string import Template
from typing import TYPE_CHECKING, Final

from ledger.storage import packed
from tasks.store.ledger_row.prepared import Statement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ledger.model.journal import Fields
    from ledger.storage.packed import Format

TTL_S: Final = 15  # silence after which another host counts as dead
EVENTS_KEPT: Final = 512
_US_NS: Final = 1_000

# The time is told by the outer query, which sees the row only when it is locked.
_COLUMNS: Final = """
encode(book, 'hex'), format, sequence, epoch, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
(extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint,
(SELECT string_agg(host || ':' || CASE WHEN ledger_format_at >= joined_at THEN ledger_format ELSE 1 END, ' ')
    FROM hosts WHERE left_at IS NULL AND dead_beat IS DISTINCT FROM beat_at)
"""
_BEGIN: Final = Statement(
    "ledger_begin",
    ("bigint",),
    Template(
        "WITH found AS MATERIALIZED"
        " (SELECT book, format, sequence, epoch FROM ledgers WHERE account = $$1 FOR UPDATE)"
        " SELECT $columns FROM found"
    ).substitute(columns=_COLUMNS),
)
_READ: Final = Statement(
    "ledger_read",
    ("bigint",),
    Template("SELECT $columns FROM ledgers WHERE account = $$1").substitute(columns=_COLUMNS),
)
_PUBLISH: Final = Statement(
    "ledger_publish",
    ("bigint", "text", "integer", "bigint", "text"),
    "UPDATE ledgers SET book = decode($2, 'hex'), format = $3, sequence = $4, epoch = $5,"
    " changed_at = clock_timestamp() WHERE account = $1",
)
# A row that was restored from a back-up counts again from there.
_RECORD: Final = Statement(
    "ledger_record",
    ("bigint", "bigint", "bigint", "bigint", "smallint", "smallint", "bigint", "bigint", "bigint", "integer"),
    "INSERT INTO ledger_events (account, number, sequence, at_ns, event, tier, tokens_mt, balance_mt, host, pid)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    " ON CONFLICT (account, number) DO UPDATE SET sequence = excluded.sequence,"
    " at_ns = excluded.at_ns, event = excluded.event, tier = excluded.tier, tokens_mt = excluded.tokens_mt,"
    " balance_mt = excluded.balance_mt, host = excluded.host, pid = excluded.pid",
)
PREPARE: Final = b"SET plan_cache_mode = force_generic_plan;" + b"".join(
    one.prepare() for one in (_BEGIN, _READ, _PUBLISH, _RECORD)
)
"""What a session of ours is told once, so that the server plans these statements once."""
_FORGET: Final = Template("DELETE FROM ledger_events WHERE account = $account AND number < $before;")
_EVENTS: Final = Template(
    "SELECT sequence, at_ns, event, tier, tokens_mt, balance_mt, pid, host FROM (SELECT * FROM ledger_events"
    " WHERE account = $account ORDER BY number DESC LIMIT $limit) AS last ORDER BY number"
)
_CREATE: Final = Template(
    "INSERT INTO ledgers (account, name, format, sequence, epoch, book, changed_at) VALUES"
    " ($account, '$name', $format, 1, '$epoch', decode('$book', 'hex'), clock_timestamp()) ON CONFLICT DO NOTHING"
)
_BEGIN_ANEW: Final = Template(
    "DELETE FROM ledger_events WHERE account = $account;"
    "UPDATE ledgers SET book = decode('$book', 'hex'), format = $format, sequence = 1, changed_at = clock_timestamp()"
    " WHERE account = $account"
)
# The life of the server: a restart, a promotion and another cluster are another one, and so is a crash, after which the
# server counts its statistics anew.
EPOCH: Final = b"""
SELECT concat_ws(' ', (SELECT system_identifier FROM pg_control_system()),
    (SELECT timeline_id FROM pg_control_checkpoint()), extract(epoch FROM pg_postmaster_start_time()),
    (SELECT extract(epoch FROM stats_reset) FROM pg_stat_archiver))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowState:
    """The row as the database told it.

    Attributes:
        server_ns: the server's time, in nanoseconds since 1970.
        started_us: when the server was started, in microseconds since 1970.
        formats: the newest format of a book that each host reads, by the numbers of the hosts that beat.
    """

    book: bytes
    format: int
    sequence: int
    epoch: str
    server_ns: int
    started_us: int
    formats: Mapping[int, int]


def channel(account: int) -> str:
    """Where notifications about the ledger are sent."""
    return f"sluicegate_{account:016x}"


def begin(account: int, *, is_prepared: bool) -> bytes:
    """Lock the row and tell it."""
    return _BEGIN.execute(signed(account), is_prepared=is_prepared)


def read(account: int, *, is_prepared: bool) -> bytes:
    """Tell the row."""
    return _READ.execute(signed(account), is_prepared=is_prepared)


def state_of(values: Sequence[bytes | None]) -> RowState:
    """The row in the values that `begin` and `read` answer."""
    book, number, sequence, epoch, server_us, started_us, hosts = ((value or b"").decode() for value in values)
    return RowState(
        book=bytes.fromhex(book),
        format=int(number),
        sequence=int(sequence),
        epoch=epoch,
        server_ns=int(server_us) * _US_NS,
        started_us=int(started_us),
        formats={int(host): int(newest) for host, newest in (one.split(":") for one in hosts.split())},
    )


def publish(account: int, book: bytes, number: int, sequence: int, epoch: str, *, is_prepared: bool) -> bytes:
    """Write the book, which is in format `number`."""
    return _PUBLISH.execute(signed(account), book.hex(), number, sequence, epoch, is_prepared=is_prepared)


def record(account: int, first: int, entries: Sequence[Fields], *, is_prepared: bool) -> bytes:
    """Write events, the first of which has the number `first`; now and then delete old ones."""
    number = signed(account)
    text = b"".join(
        _RECORD.execute(
            number, at, sequence, at_ns, int(event), tier, tokens_mt, balance_mt, host, pid, is_prepared=is_prepared
        )
        for at, (sequence, at_ns, tokens_mt, balance_mt, pid, event, tier, host) in enumerate(entries, first)
    )
    last = first + len(entries)
    if first // EVENTS_KEPT != last // EVENTS_KEPT:
        text += _FORGET.substitute(account=number, before=last - EVENTS_KEPT).encode()
    return text


def notify(account: int) -> bytes:
    """Wake those who listen, when the change is committed."""
    return f"NOTIFY {channel(account)};".encode()


def events(account: int) -> bytes:
    """The last events, oldest first."""
    return _EVENTS.substitute(account=signed(account), limit=EVENTS_KEPT).encode()


def create(account: int, name: str, epoch: str, known: Format) -> bytes:
    """Make the row of a new ledger in that format, unless it is there."""
    return _CREATE.substitute(
        account=signed(account), name=_quoted(name), epoch=_quoted(epoch), format=known.number,
        book=packed.fresh(known).hex(),
    ).encode()  # fmt: skip


def begin_anew(account: int, known: Format) -> bytes:
    """Put a new book in that format into the row, in which nothing has happened."""
    book = packed.fresh(known).hex()
    return _BEGIN_ANEW.substitute(account=signed(account), book=book, format=known.number).encode()


def signed(account: int) -> int:
    """The account's 64 bits as the database counts them."""
    return account - (1 << 64) if account >> 63 else account


def _quoted(text: str) -> str:
    return text.replace("'", "''")

"""What is said to the database about a ledger in a row, and what it answers, in numbers and bytes. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from string import Template
from typing import TYPE_CHECKING, Final

from ledger.storage import packed

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
_BEGIN: Final = Template(
    "WITH found AS MATERIALIZED"
    " (SELECT book, format, sequence, epoch FROM ledgers WHERE account = $account FOR UPDATE)"
    " SELECT $columns FROM found"
)
_READ: Final = Template("SELECT $columns FROM ledgers WHERE account = $account")
_PUBLISH: Final = Template(
    "UPDATE ledgers SET book = decode('$book', 'hex'), format = $format, sequence = $sequence, epoch = '$epoch',"
    " changed_at = clock_timestamp() WHERE account = $account;"
)
# A row that was restored from a back-up counts again from there.
_RECORD: Final = Template(
    "INSERT INTO ledger_events VALUES $rows ON CONFLICT (account, number) DO UPDATE SET sequence = excluded.sequence,"
    " at_ns = excluded.at_ns, event = excluded.event, tier = excluded.tier, tokens_mt = excluded.tokens_mt,"
    " balance_mt = excluded.balance_mt, host = excluded.host, pid = excluded.pid;"
)
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


def begin(account: int) -> bytes:
    """Lock the row and tell it."""
    return _BEGIN.substitute(account=signed(account), columns=_COLUMNS).encode()


def read(account: int) -> bytes:
    """Tell the row."""
    return _READ.substitute(account=signed(account), columns=_COLUMNS).encode()


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


def publish(account: int, book: bytes, number: int, sequence: int, epoch: str) -> bytes:
    """Write the book, which is in format `number`."""
    return _PUBLISH.substitute(
        account=signed(account), book=book.hex(), format=number, sequence=sequence, epoch=_quoted(epoch)
    ).encode()


def record(account: int, first: int, entries: Sequence[Fields]) -> bytes:
    """Write events, the first of which has the number `first`; now and then delete old ones."""
    number = signed(account)
    rows = ",".join(
        f"({number},{at},{sequence},{at_ns},{int(event)},{tier},{tokens_mt},{balance_mt},{host},{pid})"
        for at, (sequence, at_ns, tokens_mt, balance_mt, pid, event, tier, host) in enumerate(entries, first)
    )
    text, last = _RECORD.substitute(rows=rows), first + len(entries)
    if first // EVENTS_KEPT != last // EVENTS_KEPT:
        text += _FORGET.substitute(account=number, before=last - EVENTS_KEPT)
    return text.encode()


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

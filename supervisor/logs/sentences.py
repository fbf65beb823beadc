"""Every event of the log as a sentence for people. Pure.

Programs read an event's name and its fields; people read this sentence, in the terminal, in `status` and as `message`
of a JSON line. Numbers without a name in the sentence are left to the fields.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger.durations import format_duration, format_elapsed
from supervisor.logs.field_phrases import (
    begins_with_cause,
    cause_in,
    count_in,
    ends_with_cause,
    list_names,
    next_attempt,
    number_in,
)
from supervisor.logs.phrases import describe_doing, describe_life, name_of
from supervisor.process.restart_policy import Cause
from tasks.errors import clean, one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from supervisor.logs.field_phrases import Fields

_PLANNED: Final = frozenset(cause.value for cause in Cause if cause.is_planned)


def sentence(record: Fields) -> str | None:
    """Make the sentence of a record; None when its event is unknown here, or when its fields do not fit it."""
    event, message = str(record.get("event")), record.get("message")
    make = _SENTENCES.get(event)
    if make is None or event in HAS_MESSAGE:
        return clean(str(message)) if message is not None and event in HAS_MESSAGE else None
    try:
        return clean(make(record))
    except (KeyError, TypeError, ValueError):
        return None


def is_known(event: str) -> bool:
    """Whether the sentence of an event has all that people want to read of it."""
    return event in _SENTENCES or event in HAS_MESSAGE


def _in_service(fields: Fields) -> str:
    at = f" at {fields['url']}" if fields.get("url") else ""
    return f"in service{at} after {number_in(fields, 'took_s')} s"


def _died(fields: Fields) -> str:
    is_planned = fields.get("cause") in _PLANNED
    doing = "" if is_planned else str(fields.get("doing") or "")
    words = f"{fields['message']}; {describe_life(float(str(fields['lived_s'])), doing)}"
    if fields.get("next") == "failed":
        return f"{words}; it has failed"
    if fields.get("again_in_s") is not None:
        exits, _, allowed = str(fields["deaths"]).partition("/")
        words += f"; starts again in {format_duration(float(str(fields['again_in_s'])))}"
        if exits != "0":
            words += f"; this is exit {exits} within a minute, it fails at exit {int(allowed) + 1}"
    return words


def _plan(fields: Fields) -> str:
    floors = fields.get("floors")
    named = [f"{tokens} for {tier}" for tier, tokens in floors.items()] if isinstance(floors, dict) else []
    note = f" ({fields['message']})" if fields.get("message") else ""
    shown = f"; the floors are {' and '.join(named)}" if named else ""
    whose = f"{fields['key']}: " if fields.get("key") else ""
    return f"{whose}each refill brings {number_in(fields, 'refill')} tokens{shown}{note}"


def _failed(fields: Fields) -> str:
    who = name_of(fields["role"], fields["slot"])
    return f"has failed: {one_line(fields['reason'])}; `sluicegate retry {who}` starts it again"


def _tokens(fields: Fields) -> list[str]:
    """The balance of a key and its gates; nothing where the fields have none."""
    parts = []
    if fields.get("balance") is not None:
        parts.append(f"{number_in(fields, 'balance')} of {number_in(fields, 'capacity')} tokens")
    gates = fields.get("gates")
    return parts + ([f"{tier} {gate}" for tier, gate in gates.items()] if isinstance(gates, dict) else [])


def _progress(fields: Fields) -> str:
    parts = _tokens(fields)
    keys = fields.get("keys")
    for name, known in keys.items() if isinstance(keys, dict) else ():
        parts.append(f"{name} " + (_tokens(known)[0] if known else "not known"))
    queue = fields.get("queue")
    if isinstance(queue, dict):
        left = queue.get("pending", 0) + queue.get("leased", 0)
        parts.append(f"{queue.get('done', 0):,} of {queue.get('done', 0) + left:,} products fetched")
    pace = fields.get("rows_per_minute")
    if isinstance(pace, dict):
        parts += [f"{table.replace('_', ' ')} +{rate:,} a minute" for table, rate in pace.items() if rate]
    return ", ".join(parts) or "nothing is known yet"


def _walk(fields: Fields) -> str:
    rows, tokens, times = number_in(fields, "rows"), number_in(fields, "tokens"), fields.get("times")
    if times is not None:
        return f"{fields['selection']}: {count_in(fields, 'times', 'more walk')} read {rows} rows for {tokens} tokens"
    again = (
        f"; next walk in {format_duration(float(str(fields['next_in_s'])))}"
        if fields.get("next_in_s") is not None
        else ""
    )
    return f"{fields['selection']}: {rows} deals listed for {tokens} tokens{again}"


def _replay(fields: Fields) -> str:
    return f"reads a reply of {fields['endpoint']} that {fields['paid_by']} had paid for and not stored"


def _quarantined(fields: Fields) -> str:
    return f"a reply in the spool cannot be read and is quarantined as {fields['file']}: {one_line(fields['reason'])}"


def _body(fields: Fields) -> str:
    size, why = number_in(fields, "bytes"), one_line(fields["reason"])
    return f"a reply of {fields['endpoint']} cannot be read; its {size} bytes are quarantined: {why}"


def _never(fields: Fields) -> str:
    cost, limit = number_in(fields, "cost"), number_in(fields, "most")
    return f"a request of {fields['tier']} would cost {cost} tokens but can get {limit} at most: it is left out"


def _crawl_cut(fields: Fields) -> str:
    where = f" in {fields['part']}" if fields.get("part") else ""
    deals = f"more than {number_in(fields, 'shown')} deals"
    return f"{fields['selection']}: {deals} have the same price{where}; narrow the selection to see the rest"


def _batch_refused(fields: Fields) -> str:
    gone = fields.get("failed")
    lost = (
        f"; these are not tried again: {', '.join(map(str, gone))}" if isinstance(gone, list | tuple) and gone else ""
    )
    return f"the API refuses products: {one_line(fields['error'])}{lost}"


def _dropped(fields: Fields) -> str:
    dropped, waiting = number_in(fields, "dropped"), number_in(fields, "waiting")
    return f"there are more new deals than tokens: details of {dropped} older ones are not fetched, {waiting} wait"


def _refused(fields: Fields) -> str:
    return f"the API refuses the selection {fields['selection']}: {one_line(fields['error'])}"


def _signalled(fields: Fields) -> str:
    doing = str(fields.get("doing") or "")
    return f"sent {fields['signal']}" + (f" while it was {describe_doing(doing)}" if doing else "")


def _stopped(fields: Fields) -> str:
    return "stopped" + (f" (exit code {fields['code']})" if fields.get("code") else "")


def _repeated(fields: Fields) -> str:
    event, _, words = str(fields["like"]).partition(": ")
    return f"{count_in(fields, 'times', 'more line')} like this one: {one_line(words) or event.replace('_', ' ')}"


def _pruned(fields: Fields) -> str:
    rows = fields["rows"]
    parts = [f"{count:,} of {table}" for table, count in sorted(rows.items())] if isinstance(rows, dict) else []
    return f"rows deleted because the settings keep them no longer: {', '.join(parts)}"


def _message(fields: Fields) -> str:
    return one_line(fields["message"])


# Events that are logged with their sentence, as `message`.
HAS_MESSAGE: Final = frozenset(
    {
        "answer", "calls_stopped", "condition_over", "debug", "degraded", "done", "host_released", "http", "kill",
        "ledger_anew", "library", "list_refused", "list_taken_over", "lists_planned", "metrics_port_unusable",
        "no_control_socket", "not_replaced", "order", "order_not_understood", "paused", "quit", "recycled",
        "run_failed", "server_note", "setting", "source_complete", "source_refused", "start", "stderr", "stop", "web",
        "web_port_unusable", "web_token_unusable",
    }
)  # fmt: skip
_SENTENCES: Final[dict[str, Callable[[Fields], str]]] = {
    "answer_failed": ends_with_cause("an HTTP request could not be answered"),
    "balance_not_believed": lambda f: f"the API says that {f['left']} tokens are left, which is impossible",
    "balance_unreadable": ends_with_cause("the balance in a reply cannot be read"),
    "batch_refused": _batch_refused,
    "body_unreadable": _body,
    "calls_resumed": lambda f: f"calls of the kind {f['kind']} are made again",
    "call_failed": begins_with_cause("a call to the API failed", next_attempt),
    "crawl_complete": lambda f: f"{f['selection']}: the whole selection is listed, {number_in(f, 'rows')} deals",
    "crawl_cut": _crawl_cut,
    "database_unavailable": begins_with_cause("the database is unavailable", next_attempt),
    "database_back": lambda f: f"the database is available again after {format_elapsed(float(str(f['away_s'])))}",
    "database_refuses": ends_with_cause("the database refuses to store rows", next_attempt),
    "database_does_not_stop": ends_with_cause("the database does not stop"),
    "details_dropped": _dropped,
    "details_refused": ends_with_cause("the API refuses the details of new deals"),
    "died": _died,
    "duty_refused": lambda f: f"the database refuses the maintenance `{f['duty']}`: {one_line(f['error'])}",
    "failed": _failed,
    "history_is_old": lambda f: (
        f"queued {count_in(f, 'products', 'product')} to fetch again: the history is older than "
        f"{number_in(f, 'days')} days"
    ),
    "in_service": _in_service,
    "leases_not_resolved": ends_with_cause("leases of ended workers are not settled yet"),
    "leases_resolved": lambda f: f"settled {count_in(f, 'count', 'lease')} of ended workers",
    "items_odd": lambda f: (
        f"a reply of {f['endpoint']} has {count_in(f, 'items', 'item')} with fields of an unexpected form, kept in "
        f"`extra`: {one_line(f['most'])}"
    ),
    "ledger_unreadable": ends_with_cause("the ledger cannot be read"),
    "lines_dropped": lambda f: f"wrote too much: left out {count_in(f, 'count', 'line')} of it",
    "loop_stalled": lambda f: f"the supervisor was held up for {number_in(f, 'took_s')} s by {f['culprit']}",
    "migrated": lambda f: f"the database is migrated; applied: {list_names(f['applied'])}",
    "never_enough_tokens": _never,
    "not_asked_for": lambda f: (
        f"left out {count_in(f, 'left_out', 'item')} that nobody asked for, in a reply of {f['endpoint']}"
    ),
    "not_started": ends_with_cause("could not be started"),
    "page_repeated": lambda f: (
        f"{f['selection']}: page {number_in(f, 'page')} has the deals of an earlier page, as if a cache ignored "
        f"its number: the walk is not complete, and asks again ever more rarely"
    ),
    "page_unreadable": lambda f: (
        f"{f['selection']}: page {number_in(f, 'page')} cannot be read to its end and is {f['next']}: "
        f"{one_line(f['reason'])}"
    ),
    "phase": lambda f: f"{str(f['phase']).replace('_', ' ')} {f.get('detail') or ''}".rstrip(),
    "plan": _plan,
    "message_not_delivered": lambda f: f"{f['target']} did not accept a message: {cause_in(f)}",
    "message_sent": lambda f: f"{f['target']} accepted a message",
    "messages_abandoned": lambda f: f"deleted {count_in(f, 'count', 'message')} that no target has accepted",
    "pruned": _pruned,
    "products_missing": lambda f: f"the reply lacks {count_in(f, 'missing', 'product')} of those asked for",
    "progress": _progress,
    "ready": lambda _: "ready",
    "records_lost": ends_with_cause("the records of some calls are lost"),
    "refused_in_a_row": lambda f: (
        f"the API has refused {number_in(f, 'requests')} requests in a row: {one_line(f['error'])}{next_attempt(f)}"
    ),
    "record_refused": lambda f: f"the database refuses to record a call: {one_line(f['reason'])}",
    "released": lambda f: (
        f"released {count_in(f, 'items', 'product')} and {count_in(f, 'pages', 'page')} that an ended worker held"
    ),
    "repeated": _repeated,
    "replaced": lambda _: "a new process has taken its place",
    "replay": _replay,
    "reply_refused": lambda f: (
        f"the database refuses a reply of {f['endpoint']} as a whole; it is quarantined: {one_line(f['reason'])}"
    ),
    "reply_quarantined": _quarantined,
    "key_refused": lambda f: f"the API refuses the key {f['key']}, which rests; the others go on: {cause_in(f)}",
    "key_served_again": lambda f: f"the key {f['key']} is served again",
    "selection_refused": _refused,
    "settings_unreadable": ends_with_cause("the settings it was given cannot be read"),
    "signalled": _signalled,
    "spool_full": begins_with_cause("no calls are made meanwhile"),
    "spool_write_failed": ends_with_cause("a reply cannot be written to the spool"),
    "started": lambda _: "started",
    "status_not_written": ends_with_cause("the file that `status` reads cannot be written"),
    "status_unreadable": ends_with_cause("a line on its status pipe cannot be read"),
    "stopped": _stopped,
    "walk_complete": _walk,
    "worker_failed": ends_with_cause("ends because of a bug"),
    "worker_ended": ends_with_cause("ends"),
}

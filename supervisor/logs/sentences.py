"""Every event of the log as a sentence for people. Pure.

Programs read an event's name and its fields; people read this sentence, in the terminal, in `status` and as `message`
of a JSON line. Numbers without a name in the sentence are left to the fields.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger.durations import format_duration, format_elapsed
from supervisor.logs.phrases import AGAIN, describe_doing, describe_life, name_of, name_range
from supervisor.process.restart_policy import Cause
from tasks.errors import clean, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Fields = Mapping[str, object]

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


def _error(start: str, end: Callable[[Fields], str] = lambda _: "") -> Callable[[Fields], str]:
    """Make a sentence that ends with the error or the reason that the fields name."""

    def make(fields: Fields) -> str:
        why = _why(fields)
        return (f"{start}: {why}" if why else start) + end(fields)

    return make


def _because(effect: str, end: Callable[[Fields], str] = lambda _: "") -> Callable[[Fields], str]:
    """Make a sentence that begins with its cause, so that a line cut at 80 columns still has it."""

    def make(fields: Fields) -> str:
        why = _why(fields)
        return (f"{why}; {effect}" if why else effect) + end(fields)

    return make


def _why(fields: Fields) -> str:
    return one_line(fields.get("error") or fields.get("reason") or fields.get("message") or "")


def _list(value: object) -> str:
    return name_range([str(one) for one in value]) if isinstance(value, list | tuple) else str(value)


def _again(fields: Fields) -> str:
    pause = fields.get("retry_in_s") if fields.get("again_in_s") is None else fields["again_in_s"]
    if not isinstance(pause, int | float):
        return ""
    return f"{AGAIN}in {format_duration(pause)}" if round(pause) else f"{AGAIN}in less than 1 s"


def _number(fields: Fields, name: str) -> str:
    value = fields[name]
    if not isinstance(value, int | float):
        raise TypeError(name)
    return f"{value:,.10g}"


def _count(fields: Fields, name: str, noun: str) -> str:
    return f"{_number(fields, name)} {noun}" + ("" if fields[name] == 1 else "s")


def _in_service(fields: Fields) -> str:
    at = f" at {fields['url']}" if fields.get("url") else ""
    return f"in service{at} after {_number(fields, 'took_s')} s"


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
    return f"{whose}each refill brings {_number(fields, 'refill')} tokens{shown}{note}"


def _failed(fields: Fields) -> str:
    who = name_of(fields["role"], fields["slot"])
    return f"has failed: {one_line(fields['reason'])}; `sluicegate retry {who}` starts it again"


def _tokens(fields: Fields) -> list[str]:
    """The balance of a key and its gates; nothing where the fields have none."""
    parts = []
    if fields.get("balance") is not None:
        parts.append(f"{_number(fields, 'balance')} of {_number(fields, 'capacity')} tokens")
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
    rows, tokens, times = _number(fields, "rows"), _number(fields, "tokens"), fields.get("times")
    if times is not None:
        return f"{fields['selection']}: {_count(fields, 'times', 'more walk')} read {rows} rows for {tokens} tokens"
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
    size, why = _number(fields, "bytes"), one_line(fields["reason"])
    return f"a reply of {fields['endpoint']} cannot be read; its {size} bytes are quarantined: {why}"


def _never(fields: Fields) -> str:
    cost, limit = _number(fields, "cost"), _number(fields, "most")
    return f"a request of {fields['tier']} would cost {cost} tokens but can get {limit} at most: it is left out"


def _crawl_cut(fields: Fields) -> str:
    where = f" in {fields['part']}" if fields.get("part") else ""
    deals = f"more than {_number(fields, 'shown')} deals"
    return f"{fields['selection']}: {deals} have the same price{where}; narrow the selection to see the rest"


def _batch_refused(fields: Fields) -> str:
    gone = fields.get("failed")
    lost = (
        f"; these are not tried again: {', '.join(map(str, gone))}" if isinstance(gone, list | tuple) and gone else ""
    )
    return f"the API refuses products: {one_line(fields['error'])}{lost}"


def _dropped(fields: Fields) -> str:
    dropped, waiting = _number(fields, "dropped"), _number(fields, "waiting")
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
    return f"{_count(fields, 'times', 'more line')} like this one: {one_line(words) or event.replace('_', ' ')}"


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
    "answer_failed": _error("an HTTP request could not be answered"),
    "balance_not_believed": lambda f: f"the API says that {f['left']} tokens are left, which is impossible",
    "balance_unreadable": _error("the balance in a reply cannot be read"),
    "batch_refused": _batch_refused,
    "body_unreadable": _body,
    "calls_resumed": lambda f: f"calls of the kind {f['kind']} are made again",
    "call_failed": _because("a call to the API failed", _again),
    "crawl_complete": lambda f: f"{f['selection']}: the whole selection is listed, {_number(f, 'rows')} deals",
    "crawl_cut": _crawl_cut,
    "database_unavailable": _because("the database is unavailable", _again),
    "database_back": lambda f: f"the database is available again after {format_elapsed(float(str(f['away_s'])))}",
    "database_refuses": _error("the database refuses to store rows", _again),
    "database_does_not_stop": _error("the database does not stop"),
    "details_dropped": _dropped,
    "details_refused": _error("the API refuses the details of new deals"),
    "died": _died,
    "duty_refused": lambda f: f"the database refuses the maintenance `{f['duty']}`: {one_line(f['error'])}",
    "failed": _failed,
    "history_is_old": lambda f: (
        f"queued {_count(f, 'products', 'product')} to fetch again: the history is older than {_number(f, 'days')} days"
    ),
    "in_service": _in_service,
    "leases_not_resolved": _error("leases of ended workers are not settled yet"),
    "leases_resolved": lambda f: f"settled {_count(f, 'count', 'lease')} of ended workers",
    "items_odd": lambda f: (
        f"a reply of {f['endpoint']} has {_count(f, 'items', 'item')} with fields of an unexpected form, kept in "
        f"`extra`: {one_line(f['most'])}"
    ),
    "ledger_unreadable": _error("the ledger cannot be read"),
    "lines_dropped": lambda f: f"wrote too much: left out {_count(f, 'count', 'line')} of it",
    "loop_stalled": lambda f: f"the supervisor was held up for {_number(f, 'took_s')} s by {f['culprit']}",
    "migrated": lambda f: f"the database is migrated; applied: {_list(f['applied'])}",
    "never_enough_tokens": _never,
    "not_asked_for": lambda f: (
        f"left out {_count(f, 'left_out', 'item')} that nobody asked for, in a reply of {f['endpoint']}"
    ),
    "not_started": _error("could not be started"),
    "page_repeated": lambda f: (
        f"{f['selection']}: page {_number(f, 'page')} has the deals of an earlier page, as if a cache ignored "
        f"its number: the walk is not complete, and asks again ever more rarely"
    ),
    "page_unreadable": lambda f: (
        f"{f['selection']}: page {_number(f, 'page')} cannot be read to its end and is {f['next']}: "
        f"{one_line(f['reason'])}"
    ),
    "phase": lambda f: f"{str(f['phase']).replace('_', ' ')} {f.get('detail') or ''}".rstrip(),
    "plan": _plan,
    "message_not_delivered": lambda f: f"{f['target']} did not accept a message: {_why(f)}",
    "message_sent": lambda f: f"{f['target']} accepted a message",
    "messages_abandoned": lambda f: f"deleted {_count(f, 'count', 'message')} that no target has accepted",
    "pruned": _pruned,
    "products_missing": lambda f: f"the reply lacks {_count(f, 'missing', 'product')} of those asked for",
    "progress": _progress,
    "ready": lambda _: "ready",
    "records_lost": _error("the records of some calls are lost"),
    "refused_in_a_row": lambda f: (
        f"the API has refused {_number(f, 'requests')} requests in a row: {one_line(f['error'])}{_again(f)}"
    ),
    "record_refused": lambda f: f"the database refuses to record a call: {one_line(f['reason'])}",
    "released": lambda f: (
        f"released {_count(f, 'items', 'product')} and {_count(f, 'pages', 'page')} that an ended worker held"
    ),
    "repeated": _repeated,
    "replaced": lambda _: "a new process has taken its place",
    "replay": _replay,
    "reply_refused": lambda f: (
        f"the database refuses a reply of {f['endpoint']} as a whole; it is quarantined: {one_line(f['reason'])}"
    ),
    "reply_quarantined": _quarantined,
    "key_refused": lambda f: f"the API refuses the key {f['key']}, which rests; the others go on: {_why(f)}",
    "key_served_again": lambda f: f"the key {f['key']} is served again",
    "selection_refused": _refused,
    "settings_unreadable": _error("the settings it was given cannot be read"),
    "signalled": _signalled,
    "spool_full": _because("no calls are made meanwhile"),
    "spool_write_failed": _error("a reply cannot be written to the spool"),
    "started": lambda _: "started",
    "status_not_written": _error("the file that `status` reads cannot be written"),
    "status_unreadable": _error("a line on its status pipe cannot be read"),
    "stopped": _stopped,
    "walk_complete": _walk,
    "worker_failed": _error("ends because of a bug"),
    "worker_ended": _error("ends"),
}

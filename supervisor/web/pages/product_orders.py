"""What is ordered on the page of a product: to fetch it now, to give that up, or to let backfill fetch it next."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Final, Literal, NamedTuple
from urllib.parse import urlencode

from supervisor.control import protocol
from supervisor.queries.product.refresh_quote import refresh_quote
from supervisor.status import keys
from supervisor.web.page import Changed, Moved, Refusal
from supervisor.web.views.asked_product import asked_product, summary
from supervisor.web.views.writing import backfill_detail, note, writing
from tasks.errors import EXIT_FAILED, EXIT_OK, EXIT_TRY_LATER
from tasks.keepa.locales import SHOPS
from tasks.planning import streams
from tasks.planning.learned_costs import product_tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supervisor.report import OrderRecord
    from supervisor.web.page import Visit
    from supervisor.web.views.asked_product import AskedProduct
    from tasks.keepa.request import Detail

_State = Literal["wait", "good", "off", "bad"]
_TOKENS: Final = re.compile(r"[0-9]{1,9}")
_GIVEN: Final = "fetched"  # the parameter, and the field of a form, that has the mark of the order
_MARK: Final = re.compile(r"[0-9a-f]{16}")
_STATES: Final[dict[int | None, _State]] = {EXIT_OK: "good", EXIT_TRY_LATER: "off"}
_TOO_LATE: Final = "too_late"


class Quote(NamedTuple):
    """What fetching it anew costs at the most, by number and in words, and with how much detail."""

    tokens: int
    words: str
    detail: Detail


class Fetching(NamedTuple):
    """What has come so far of an order to fetch it.

    Attributes:
        mark: tells the order apart from earlier ones.
        at: when it was given; None when the run remembers none.
        state: whether it is under way, was fetched, was given up, or failed.
        sentence: that in words.
    """

    mark: str
    at: str | None
    state: _State
    sentence: str


def quote(visit: Visit) -> Quote | None:
    """What fetching it anew would cost, and which of several keys pays; None while nothing is known of the balance."""
    status, detail = visit.run.look().status, backfill_detail(visit)
    payer = keys.paying(status.keys, lambda one: product_tokens(detail, one)) if status.keys else None
    snapshot = status.snapshot if payer is None else payer.snapshot
    if snapshot is None:
        return None
    found = refresh_quote(snapshot, detail)
    cost = f"up to {found.tokens} {'token' if found.tokens == 1 else 'tokens'}"
    cost += "" if payer is None else f" of the key {payer.name}"
    if found.opens_in_s is None:
        words = f"{cost}; nobody can tell yet when the balance allows it"
    else:
        at = "now" if found.opens_in_s <= 0 else f"in about {found.opens_in_s:.0f} s"
        words = f"{cost}; the balance allows it {at}"
    return Quote(found.tokens, words, detail)


def fetching(visit: Visit, asked: AskedProduct) -> Fetching | None:
    """What has come of the order to fetch it that the visitor gave; None when the address names none."""
    mark = _mark(visit.query)
    if not mark:
        return None
    last = visit.run.look().status.report
    order = protocol.describe_order(_order(asked, ""))
    found = None if last is None else next((one for one in last.orders if (one.mark, one.order) == (mark, order)), None)
    return _told(mark, found, is_too_late=visit.query.get("cancel") == _TOO_LATE)


def _mark(given: Mapping[str, str]) -> str:
    """The mark of an order in an address or a form; empty when there is none that this page has made."""
    mark = given.get(_GIVEN, "")
    return mark if _MARK.fullmatch(mark) else ""


def _told(mark: str, order: OrderRecord | None, *, is_too_late: bool) -> Fetching:
    late = "There was nothing to cancel any more. " if is_too_late else ""
    if order is None:
        words = "The order to fetch it is not known: it was given a moment ago, or in an earlier run."
        return Fetching(mark, None, "wait", late + words)
    if order.words is None:
        return Fetching(mark, order.at, "wait", "It is being fetched and is not there yet.")
    words = f"{order.words[:1].upper()}{order.words[1:]}."
    return Fetching(mark, order.at, _STATES.get(order.code, "bad"), late + words)


def _order(asked: AskedProduct, detail: str, by: str = "", mark: str = "") -> protocol.Fetch:
    return protocol.Fetch(asin=asked.asin, domain=asked.domain, detail=detail, by=by, mark=mark)


def fetch_now(visit: Visit) -> Moved:
    """Have the supervisor ask for it before all other work, for what the form said at the most.

    Raises:
        Changed: it would cost more by now, or the supervisor refuses.
    """
    asked, found = asked_product(visit), quote(visit)
    if found is None:
        raise Refusal("nothing is known of the balance: Now shows why")
    seen = visit.form.get("seen", "")
    said = int(seen) if _TOKENS.fullmatch(seen) else -1
    if said < found.tokens:
        words = "nothing" if said < 0 else seen
        raise Changed(f"nothing was done: it costs up to {found.tokens} by now, and the form said {words}")
    mark = secrets.token_hex(8)
    answer = visit.deliver(_order(asked, found.detail, _by(visit), mark))
    if isinstance(answer, protocol.NotGiven) or answer.code not in {EXIT_OK, EXIT_TRY_LATER}:
        raise Changed(answer.words)
    return Moved(_told_at(asked, mark))


def cancel(visit: Visit) -> Moved:
    """Have the supervisor ask for it no more; when it is not being fetched any more, say what came of that.

    Raises:
        Changed: the supervisor does not answer.
    """
    asked, mark = asked_product(visit), _mark(visit.form)
    answer = visit.deliver(protocol.Cancel(asin=asked.asin, domain=asked.domain, by=_by(visit)))
    if answer.code == EXIT_FAILED:
        return Moved(_told_at(asked, mark, cancel=_TOO_LATE))
    if answer.code != EXIT_OK:
        raise Changed(f"nothing was done: {answer.words}")
    return Moved(_told_at(asked, mark))


def _told_at(asked: AskedProduct, mark: str, **more: str) -> str:
    """The address at which is told what came of the order with this mark."""
    return f"{asked.path}?{urlencode({_GIVEN: mark, **more})}" if mark else asked.path


def queue(visit: Visit) -> Moved:
    """Put the product before all others in the queue of backfill."""
    from tasks.store.queue.to_front import to_front

    asked = asked_product(visit)
    if asked.domain not in {one.domain for one in streams.streams(visit.settings.selections, visit.settings.domains)}:
        raise Refusal(
            f"no selection is for {SHOPS[asked.domain]}, so backfill fetches nothing there: use `sluicegate fetch`"
        )
    with writing(visit) as conn, conn.transaction():
        summary(conn, asked)
        to_front(conn, asked.domain, [asked.asin], detail=backfill_detail(visit))
    note(
        visit, f"fetch --queue {asked.asin} --domain {SHOPS[asked.domain]}", "it is the next one that backfill fetches"
    )
    return Moved(f"{asked.path}?queued=yes")


def _by(visit: Visit) -> str:
    return f"web {visit.session[:8]}"

"""Answers the requests of the API: one request in, one reply out; no sockets here."""

from __future__ import annotations

import hmac
import re
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from tasks.simulator.account import TOO_MANY, Account, CallRecord
from tasks.simulator.api import costs, deal_query, listing_query, product_query, products
from tasks.simulator.api.deals import Deals
from tasks.simulator.api.fields import MALFORMED, Refusal
from tasks.simulator.api.listings import Listings
from tasks.simulator.api.refresh import Refreshes
from tasks.simulator.envelope import Envelope
from tasks.simulator.faults import Faults, Kind
from tasks.simulator.market.market import Market, Scope
from tasks.simulator.market.price_timeline import EPOCH_MINUTE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tasks.simulator.api.deal_query import DealQuery
    from tasks.simulator.api.listing_query import ListingQuery
    from tasks.simulator.api.product_query import ProductQuery
    from tasks.simulator.clock import ServerClock
    from tasks.simulator.config import SimulatorConfig

    Query = DealQuery | ProductQuery | ListingQuery

OK: Final = 200
BROKEN: Final = 500
_LAPSED: Final = 402
_NOT_FOUND: Final = 404
_KEY: Final = re.compile(r"[0-9A-Za-z]{64}")
_MS_PER_MINUTE: Final = 60_000
_PAGE: Final = b"<!DOCTYPE html><html><head><title>Service</title></head><body><h1>Please try again</h1></body></html>"


class Request(NamedTuple):
    """A request as it came over the wire."""

    method: str
    path: str
    params: Mapping[str, str]
    body: bytes = b""


class Reply(NamedTuple):
    """What goes back, and how its delivery is to fail."""

    status: int
    body: bytes
    fault: Kind | None = None


class _Work(NamedTuple):
    """Work done: its cost, and the fields of the reply, each as JSON."""

    cost: int
    payload: Mapping[str, bytes] = {}


class Service:
    """The API over one market, one account, and those of the keys that have their own."""

    def __init__(self, config: SimulatorConfig, clock: ServerClock, stop: threading.Event) -> None:
        """Serve; a `stop` that is set ends every wait of a call."""
        self.latency_s = config.latency_s
        self.account = Account(config, clock)
        self.accounts = {
            key: Account(replace(config, rate=rate, seed=config.seed + number), clock)
            for number, (key, rate) in enumerate(config.key_rates.items(), start=1)
        }
        self.lapsed_keys = config.lapsed_keys
        self.faults = Faults(config.seed, config.faults)
        self._lock = threading.Lock()  # the market is for one thread at a time
        self._config = config
        self._clock = clock
        self._stop = stop
        scope = Scope(
            seed=config.seed,
            products=config.products,
            slots=config.slots,
            closed_share=config.closed_share,
            has_unknown=config.unknown_fields,
        )
        self._market = Market(scope)
        self._deals = Deals(self._market, duplicates=config.duplicates)
        self._listings = Listings(self._market)
        self._refreshes = Refreshes()
        self._encoder = msgspec.json.Encoder()

    def answer(self, request: Request) -> Reply:
        """The reply to one request; the call is charged and logged when this returns."""
        endpoint = "/" + request.path.strip("/")
        try:
            return self._admit(endpoint, request)
        except Refusal as refusal:
            body = self._zero().error(refusal.status, refusal.details)
            return self._log(self._account(request), endpoint, Reply(refusal.status, body))

    def _admit(self, endpoint: str, request: Request) -> Reply:
        """Answer. Key and parameters are checked before the balance: a bad request is refused whatever is left."""
        if endpoint not in {"/token", "/deal", "/product", *listing_query.ENDPOINTS}:
            raise Refusal(_NOT_FOUND, endpoint)
        self._check_key(request.params.get("key", ""))
        account = self._account(request)
        query = None if endpoint == "/token" else _parse(endpoint, request)
        if query is not None and not account.is_admitting():
            envelope = account.charge(0)
            return self._log(account, endpoint, Reply(TOO_MANY, envelope.body()), envelope, query)
        fault = self.faults.draw(endpoint)
        if fault == "500":
            return self._log(account, endpoint, Reply(BROKEN, _PAGE, fault), query=query)
        begun_ns = self._clock.now_ns()
        work = _Work(0) if query is None else self._work(query)
        envelope = account.charge(work.cost, begun_ns=begun_ns)
        body = _PAGE if fault == "non_json" else envelope.body(work.payload)
        return self._log(account, endpoint, Reply(OK, body, fault), envelope, query)

    def _account(self, request: Request) -> Account:
        """The account of its key: its own, or the one that all other keys share."""
        return self.accounts.get(request.params.get("key", ""), self.account)

    def lapse(self, places: Collection[int]) -> None:
        """Answer the keys at these places of `key_rates`, counted from 0, with 402, and all others no more."""
        self.lapsed_keys = frozenset(key for place, key in enumerate(self.accounts) if place in places)

    def state(self) -> dict[str, object]:
        """The state of everything, for `/control`; `keys` has the accounts of `key_rates`, in their order."""
        keys = [{**one.report(), "is_lapsed": key in self.lapsed_keys} for key, one in self.accounts.items()]
        return {**self.account.report(), "keys": keys}

    def _check_key(self, key: str) -> None:
        """Let known keys pass, and any when none are known.

        A key that is unknown is refused as a lapsed one is when it has the form of a key, and as a malformed parameter
        when it has not (keepacom/php_api `testWrongKey`, akaszynski/keepa `test_deadkey` and `test_invalidkey`).

        Raises:
            Refusal: 402 or 400.
        """
        if _is_one_of(key, self.lapsed_keys):
            raise Refusal(_LAPSED, "")
        known = self._config.keys | self.accounts.keys()
        if key and (not known or _is_one_of(key, known)):
            return
        raise Refusal(_LAPSED if _KEY.fullmatch(key) else MALFORMED, "")

    def _take_time(self, query: Query) -> None:
        asins = len(query.asins) if isinstance(query, product_query.ProductQuery) else 0
        latency_s = self.latency_s + asins * self._config.latency_per_asin_s
        if latency_s > 0:
            self._stop.wait(latency_s)

    def _work(self, query: Query) -> _Work:
        """What the query finds; takes its time, during which ticks may pass and others may spend."""
        self._take_time(query)
        with self._lock:
            now_ms = self._market_ms()
            if isinstance(query, deal_query.DealQuery):
                return _Work(costs.DEAL_PAGE, {"deals": self._deals.page(query, now_ms), "dealsCached": b"false"})
            if isinstance(query, listing_query.ListingQuery):
                found = self._listings.find(query, now_ms)
                return _Work(found.cost, {name: self._encoder.encode(value) for name, value in found.fields.items()})
            answers = [
                products.answer(self._market, asin, query, now_ms, self._refreshes) for asin in self._asins(query)
            ]
        cost = sum(costs.product(query, answer.outcome) for answer in answers)
        if answers and not any(answer.outcome.is_readable for answer in answers):
            return _Work(cost)
        return _Work(cost, {"products": self._encoder.encode([answer.body for answer in answers])})

    def _asins(self, query: ProductQuery) -> list[str]:
        """The ASINs asked for, in order; of codes those that name a product."""
        if query.asins:
            return list(query.asins)
        return [item.asin for code in query.codes for item in self._market.find_code(code)][: query.code_limit]

    def _market_ms(self) -> int:
        minute = self._config.market_minute
        return self._clock.now_ms() if minute is None else (minute + EPOCH_MINUTE) * _MS_PER_MINUTE

    def _zero(self) -> Envelope:
        return Envelope(timestamp=self._clock.now_ms())

    def _log(
        self,
        account: Account,
        endpoint: str,
        reply: Reply,
        envelope: Envelope | None = None,
        query: Query | None = None,
    ) -> Reply:
        told = envelope or self._zero()
        account.record(
            CallRecord(
                at_ms=told.timestamp,
                endpoint=endpoint,
                status=reply.status,
                consumed=told.tokens_consumed,
                tokens_left=told.tokens_left,
                asins=list(query.asins or query.codes) if isinstance(query, product_query.ProductQuery) else None,
                page=query.page if isinstance(query, deal_query.DealQuery | listing_query.ListingQuery) else None,
                fault=reply.fault,
            )
        )
        return reply


def _is_one_of(key: str, keys: Collection[str]) -> bool:
    return any(hmac.compare_digest(key.encode(), known.encode()) for known in keys)


def _parse(endpoint: str, request: Request) -> Query:
    """The typed query.

    Raises:
        Refusal: 400 or 405.
    """
    if endpoint == "/product":
        return product_query.parse(request.params)
    for listing in listing_query.ENDPOINTS:
        if endpoint == listing:
            return listing_query.parse(listing, request.method, request.params, request.body)
    if request.method == "POST":
        return deal_query.parse(request.body)
    return deal_query.parse(request.params.get("selection", ""))

"""A call from lease to spool, with a ledger in memory and a server that answers by script."""

from __future__ import annotations

import io
import itertools
import json

import pytest

from ledger import DEFAULT_TIERS, ManualClock, Reading, TokenLedger
from ledger.model import leases
from ledger.storage.transaction import change
from tasks.calls.metered_client import MeteredClient
from tasks.calls.request_plan import ClaimedRequest, SpooledReply
from tasks.calls.spool import Spool
from tasks.calls.spool_header import Origin
from tasks.errors import Forbidden, NotSent, RequestRefused, Transient
from tasks.keepa.reply import RawReply
from tasks.keepa.request import ProductRequest, product_shape
from tasks.runtime.heartbeat_writer import HeartbeatWriter
from tasks.runtime.job import Idle, JobContext
from tasks.runtime.log import stream_logger
from tests.fixtures.settings import worker_settings

NS = 10**9
ASINS = tuple(f"B{n:09d}" for n in range(10))


class Halt:
    """A stop flag whose pauses take no time, and which counts them."""

    def __init__(self):
        self.on = False
        self.pauses = []

    def is_set(self):
        return self.on

    def wait(self, timeout_s):
        self.pauses.append(timeout_s)
        return self.on


class Script:
    """A client that answers in the order written: a reply, or an error to raise; then `/token` for ever."""

    def __init__(self, clock, *answers, balance=300):
        self.clock, self.answers, self.balance, self.sent = clock, list(answers), balance, []

    def body(self, consumed=0, left=None, **more):
        now_ms = 1_757_873_538_842 + self.clock.now_ns() // 10**6
        left = self.balance if left is None else left
        envelope = {"timestamp": now_ms, "tokensLeft": left, "tokensConsumed": consumed, "refillIn": 30_000}
        return json.dumps(envelope | {"refillRate": 5} | more).encode()

    def send(self, request):
        self.sent.append(request.endpoint)
        if request.endpoint == "/token":
            return RawReply(200, self.body(), 0.0, "/token")
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, body = answer(self) if callable(answer) else answer
        return RawReply(status, body, 0.1, request.endpoint)


class Wanting:
    """Ten products, asked for in one request."""

    tier = "backfill"
    may_wait = True
    endpoint = "/product"
    what = "/product history"

    def __init__(self, most=10, asins=ASINS):
        self.most, self.asins, self.given_back, self.postponed, self.is_empty = most, asins, 0, 0, False

    def plan(self):
        return product_shape("history", self.most)

    def claim(self):
        if self.is_empty:
            return None
        return ClaimedRequest(
            ProductRequest(1, self.asins, "history"), Origin(job="backfill", domain=1, asins=self.asins)
        )

    def release(self):
        self.given_back += 1

    def postpone(self):
        self.postponed += 1


class Shop:
    """Everything around a metered client."""

    def __init__(self, folder, *answers, blocking=True, balance=300, limit_bytes=1 << 20):
        self.clock = ManualClock(10**12)
        self.ledger = TokenLedger.in_memory(DEFAULT_TIERS, self.clock)
        self.halt = Halt()
        self.text = io.StringIO()
        self.beats, self.calls = [], []
        self.script = Script(self.clock, *answers, balance=balance)
        self.spool = Spool(folder / "spool", limit_bytes=limit_bytes)
        settings = worker_settings(retry_deadline_s=20)
        context = JobContext(
            role="backfill", settings=settings, ledger=self.ledger, clock=self.clock, stop=self.halt,
            log=stream_logger(self.text), beat=HeartbeatWriter(self.beats.append, self.clock),
            blocking=blocking, worker="w",
        )  # fmt: skip
        self.metered_client = MeteredClient(context, self.script, self.spool, self.calls.append)

    def until_paid(self, request_plan):
        """The first reply; how often there was none, with the clock moved on to when to come back each time."""
        for idle in range(100):
            outcome = self.metered_client.call(request_plan)
            if isinstance(outcome, SpooledReply):
                return outcome, idle
            self.clock.advance_to_ns(outcome.until_ns)
        raise AssertionError(f"no reply: {outcome}")

    def conditions(self):
        """What keeps the worker from its work, as its last beat tells it."""
        return {one["kind"]: one["why"] for one in self.beats[-1]["conditions"]}

    def sent(self, endpoint="/product"):
        return self.script.sent.count(endpoint)

    def entries(self):
        return list(self.spool._directory.glob("*.reply"))

    @property
    def balance(self):
        return self.ledger.snapshot().bucket.balance


def answer(consumed=10, **more):
    def make(script):
        script.balance -= consumed
        return 200, script.body(consumed, products=[], **more)

    return make


def refusal(script):
    return 429, script.body(left=-5)


@pytest.fixture
def shop(tmp_path):
    opened = []

    def make(*answers, **settings):
        opened.append(Shop(tmp_path, *answers, **settings))
        return opened[-1]

    yield make
    for one in opened:
        assert one.ledger.snapshot().leases == (), "a lease was left open"
        one.ledger.close()


def test_a_call_asks_for_the_balance_once_then_pays_what_the_server_charged(shop):
    here = shop(answer(7))
    request_plan = Wanting()
    paid = here.metered_client.call(request_plan)
    assert isinstance(paid, SpooledReply)
    assert here.script.sent == ["/token", "/product"]
    assert here.balance == 293
    (path,) = here.entries()
    header, body = paid.entry.read()
    assert (header.estimate, header.items, header.status) == (10, 10, 200)
    assert body == paid.body
    paid.acknowledge()
    assert not path.exists()
    assert request_plan.given_back == 0


def test_a_body_of_the_api_is_on_disk_before_it_is_looked_into_and_another_is_never_kept(shop):
    here = shop((200, b"<html>not JSON</html>"), answer())
    seen = []
    put = here.spool.put
    here.spool.put = lambda header, body, packed: seen.append(body) or put(header, body, packed)
    paid, _ = here.until_paid(Wanting())
    assert seen == [paid.body]
    assert len(here.entries()) == 1


def test_what_may_pass_is_made_again_with_a_lease_of_its_own_and_its_items_wait_meanwhile(shop):
    here = shop(Transient("cut"), (500, b"oops"), answer())
    request_plan = Wanting()
    here.until_paid(request_plan)
    assert (request_plan.given_back, request_plan.postponed) == (0, 2)
    assert here.sent() == 3
    assert [call.cost for call in here.calls if call.endpoint == "/product"] == [None, None]
    assert here.balance == 290
    assert here.halt.pauses == [], "a pause is the worker's, who hears a stop in it"


def test_a_request_that_never_left_costs_nothing_and_needs_no_reading(shop):
    here = shop(NotSent("refused"), answer())
    request_plan = Wanting()
    here.until_paid(request_plan)
    assert here.script.sent == ["/token", "/product", "/product"]
    assert (request_plan.given_back, request_plan.postponed) == (1, 0)
    assert [call.cost for call in here.calls if call.endpoint == "/product"] == [0]


def test_a_call_that_fails_for_ever_ends_nobody_and_is_made_ever_more_rarely(shop):
    here = shop(*[Transient("cut")] * 1000)
    request_plan, began_ns, sent_at = Wanting(), here.clock.now_ns(), []
    while here.clock.now_ns() < began_ns + 6 * 3600 * NS:
        before = here.sent()
        outcome = here.metered_client.call(request_plan)
        assert isinstance(outcome, Idle)
        if here.sent() > before:
            sent_at.append((here.clock.now_ns() - began_ns) / NS)
        assert outcome.until_ns > here.clock.now_ns()
        here.clock.advance_to_ns(outcome.until_ns)
    assert len([at for at in sent_at if at < 30]) == 2
    pauses = [later - at for at, later in itertools.pairwise(sent_at)]
    assert pauses[1] >= 30
    assert all(later >= 1.4 * pause for pause, later in itertools.pairwise(pauses[:6]))
    assert all(900 <= pause < 1150 for pause in pauses[7:])
    assert here.conditions() == {"calls": "x: cut"}


def test_an_api_that_is_there_all_the_while_is_looked_for_once_after_each_failure(shop):
    here = shop(*[Transient("cut")] * 1000, blocking=False)
    began_ns = here.clock.now_ns()
    while here.clock.now_ns() < began_ns + 6 * 3600 * NS:
        here.clock.advance_to_ns(here.metered_client.call(Wanting()).until_ns)
    looks = here.sent("/token") - here.sent("/product")  # each lost call has the balance asked for once more
    assert looks <= here.sent("/product") + 5


def test_what_never_leaves_is_tried_every_few_seconds(shop):
    here = shop(*[NotSent("refused")] * 1000)
    began_ns = here.clock.now_ns()
    while here.clock.now_ns() < began_ns + 600 * NS:
        here.clock.advance_to_ns(here.metered_client.call(Wanting()).until_ns)
    assert 60 <= here.sent() <= 150
    here.script.answers = [answer()]
    _, idle = here.until_paid(Wanting())
    assert idle <= 1
    assert here.conditions() == {}


def test_a_hiccup_is_not_told_and_a_second_failure_is(shop):
    here = shop(Transient("cut"), Transient("cut again"), answer())
    here.metered_client.call(Wanting())
    assert here.conditions() == {}
    here.clock.advance_s(7)
    here.metered_client.call(Wanting())
    assert here.conditions() == {"calls": "x: cut again"}
    here.until_paid(Wanting())
    assert here.conditions() == {}


def test_the_return_of_the_api_is_seen_by_a_free_request_and_ends_the_longest_pause(shop):
    page = (502, b"<html>bad gateway</html>")
    here = shop(*[page] * 100)
    told, away = here.script.send, RawReply(*page, 0.0, "/token")
    here.script.send = lambda request: told(request) if request.endpoint == "/product" else away
    here.ledger.observe(Reading(tokens_left=300, refill_rate=5, refill_in_ms=1000, server_ms=1))
    began_ns = here.clock.now_ns()
    while here.clock.now_ns() < began_ns + 3600 * NS:
        here.clock.advance_to_ns(here.metered_client.call(Wanting()).until_ns)
    assert here.conditions() != {}
    here.script.send, here.script.answers = told, [answer()]
    back_ns = here.clock.now_ns()
    here.until_paid(Wanting())
    assert here.clock.now_ns() - back_ns < 15 * NS
    assert here.conditions() == {}


def test_another_request_need_not_wait_for_the_one_that_fails(shop):
    here = shop(Transient("cut"), answer())
    request_plan, other = Wanting(), Wanting()
    other.what = "/product stats"
    assert here.metered_client.call(request_plan).is_held
    assert isinstance(here.metered_client.call(other), SpooledReply)
    assert here.metered_client.call(request_plan).is_held
    assert here.sent() == 2


def test_a_429_is_no_failure_costs_nothing_and_teaches_no_cost(shop):
    here = shop(refusal)
    request_plan = Wanting()
    outcome = here.metered_client.call(request_plan)
    assert isinstance(outcome, Idle)
    assert outcome.phase == "waiting_tokens"
    assert request_plan.given_back == 1
    assert here.halt.pauses == []
    assert here.balance == -5
    assert here.ledger.snapshot().totals.refused_429 == 1
    assert here.ledger.estimate(product_shape("history", 10)) == 10


def test_refusals_in_a_row_that_nobody_waited_for_wait_for_the_refill(shop):
    def lie(script):
        return 429, script.body(left=300)

    here = shop(lie, lie)
    first = here.metered_client.call(Wanting())
    assert first.until_ns == here.clock.now_ns()
    second = here.metered_client.call(Wanting())
    assert second.until_ns > here.clock.now_ns() + 29 * NS


def test_a_429_that_tells_no_balance_is_tried_again_later_like_any_trouble(shop):
    here = shop((429, b"slow down"), (429, b'{"tokensLeft":"none"}'), answer())
    request_plan = Wanting()
    _, idle = here.until_paid(request_plan)
    assert idle >= 2
    assert (request_plan.given_back, request_plan.postponed) == (1, 1), "only the API's own 429 is known to be free"


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 410, 451])
def test_what_others_than_the_api_say_is_nobodys_refusal(shop, status):
    here = shop((status, b"<html>sign in</html>"), answer())
    request_plan = Wanting()
    here.until_paid(request_plan)
    assert request_plan.postponed == 1
    assert here.conditions() == {}


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_key_that_everybody_refuses_for_minutes_ends_the_run_with_what_to_do(shop, status):
    here = shop(*[(status, b"<html>challenge</html>")] * 100)
    told, page = here.script.send, RawReply(status, b"<html>challenge</html>", 0.0, "/token")
    here.script.send = lambda request: told(request) if request.endpoint == "/product" else page
    here.ledger.observe(Reading(tokens_left=300, refill_rate=5, refill_in_ms=1000, server_ms=1))
    began_ns = here.clock.now_ns()
    with pytest.raises(Forbidden, match="for 10 minutes: check KEEPA_API_KEY"):
        while True:
            here.clock.advance_to_ns(here.metered_client.call(Wanting()).until_ns)
            assert here.conditions()["key"].startswith(f"x: {status} for /")
    assert 600 <= (here.clock.now_ns() - began_ns) / NS < 900


def test_a_key_that_is_refused_by_others_in_between_ends_nothing(shop):
    here = shop(*[(403, b"<html>challenge</html>")] * 1000)
    here.ledger.observe(Reading(tokens_left=300, refill_rate=5, refill_in_ms=1000, server_ms=1))
    began_ns = here.clock.now_ns()
    while here.clock.now_ns() < began_ns + 4 * 3600 * NS:
        here.clock.advance_to_ns(here.metered_client.call(Wanting()).until_ns)
    assert here.sent("/token") > 1, "which the API answers all the while"


def test_a_refused_request_is_free_and_blames_the_key_only_if_the_key_is_bad(shop):
    zero = json.dumps({"refillRate": 0, "tokensLeft": 0, "error": {"message": "bad parameter"}}).encode()
    here = shop((400, zero))
    with pytest.raises(RequestRefused, match="bad parameter"):
        here.metered_client.call(Wanting())
    assert here.script.sent == ["/token", "/product", "/token"]
    assert here.balance == 300

    other = shop((400, zero))
    other.ledger.observe(Reading(tokens_left=300, refill_rate=5, refill_in_ms=1000, server_ms=1))
    other.script.body = lambda **_more: b""
    other.script.send = lambda request: RawReply(400, zero, 0.0, request.endpoint)
    with pytest.raises(Forbidden, match="KEEPA_API_KEY"):
        other.metered_client.call(Wanting())


def odd_token(here, status, *, first=0):
    """Have `/token` answer with the API's own envelope under another status, after `first` good answers."""
    send, counted = here.script.send, itertools.count()

    def odd(request):
        reply = send(request)
        if request.endpoint == "/token" and next(counted) >= first:
            return RawReply(status, reply.body, 0.0, "/token")
        return reply

    here.script.send = odd


@pytest.mark.parametrize("status", [406, 409, 410, 418, 422, 429, 451, 499])
def test_a_question_for_the_balance_that_is_refused_is_no_refusal_of_the_work(shop, status):
    here = shop(answer(), blocking=False)
    odd_token(here, status)
    paid, times = here.until_paid(Wanting())
    assert paid.header.endpoint == "/product"
    assert times <= 10
    assert here.sent("/token") <= 10, "no more than the pauses let through"


@pytest.mark.parametrize("status", [410, 422, 429])
def test_a_refusal_is_the_works_though_nobody_can_be_asked_about_the_key(shop, status):
    zero = json.dumps({"refillRate": 0, "tokensLeft": 0, "error": {"message": "bad parameter"}}).encode()
    here = shop((400, zero), answer(), blocking=False)
    odd_token(here, status, first=1)
    request_plan = Wanting()
    if status == 429:  # which an unknown key is never answered with
        with pytest.raises(RequestRefused, match="bad parameter"):
            here.metered_client.call(request_plan)
    else:
        assert isinstance(here.metered_client.call(request_plan), Idle)
        assert request_plan.given_back == 1


@pytest.mark.parametrize("status", [410, 422, 429])
def test_a_look_whether_the_api_is_back_that_is_refused_ends_nobody(shop, status):
    here = shop(*[Transient("cut")] * 3, answer(), blocking=False)
    odd_token(here, status, first=1)
    assert here.until_paid(Wanting())[0].header.endpoint == "/product"
    assert here.sent("/token") > 2


@pytest.mark.parametrize("later", [502, None])
def test_a_doubt_about_the_key_ends_when_nobody_asks_any_more(shop, later):
    here = shop((403, b"<html>challenge</html>"), *[(later, b"<html>gone</html>")] * (later is not None))
    here.ledger.observe(Reading(tokens_left=300, refill_rate=5, refill_in_ms=1000, server_ms=1))
    here.clock.advance_to_ns(here.metered_client.call(Wanting()).until_ns)
    if later is not None:
        here.metered_client.call(Wanting())
    here.metered_client.update_conditions()
    here.clock.advance_to_ns(here.clock.now_ns() + 1201 * NS)
    here.metered_client.update_conditions()
    here.metered_client._context.beat.phase("waiting_work")
    assert here.conditions() == {}


def test_where_nothing_may_block_a_closed_gate_is_told_with_its_time(shop):
    here = shop(answer(), blocking=False, balance=100)
    outcome = here.metered_client.call(Wanting())
    assert isinstance(outcome, Idle)
    assert outcome.phase == "waiting_tokens"
    assert outcome.until_ns > here.clock.now_ns()
    assert "backfill waits for 10 tokens" in outcome.why
    assert here.script.sent == ["/token"]


def test_less_work_than_planned_is_reserved_for_as_what_it_is(shop):
    here = shop(answer(10))
    paid = here.metered_client.call(Wanting(most=50))
    assert paid.header.estimate == 10
    assert here.ledger.snapshot().costs[0].mean == 1.0


def test_no_work_at_all_gives_the_tokens_back(shop):
    here = shop()
    request_plan = Wanting()
    request_plan.is_empty = True
    outcome = here.metered_client.call(request_plan)
    assert outcome.phase == "waiting_work"
    assert here.balance == 300


def test_nothing_is_sent_for_a_lease_that_others_have_resolved_meanwhile_and_it_is_reserved_for_anew(shop):
    here = shop(answer(10))
    request_plan = Wanting()
    take = request_plan.claim

    def taken_for_dead():
        change(here.ledger._home, lambda view: leases.resolve_dead(view, here.clock.now_ns(), lambda _owner: False))
        request_plan.claim = take
        return take()

    request_plan.claim = taken_for_dead
    outcome = here.metered_client.call(request_plan)
    assert (outcome.phase, outcome.until_ns, request_plan.given_back) == ("waiting_tokens", here.clock.now_ns(), 1)
    assert "nothing may be sent: reserve again" in outcome.why
    assert (here.sent(), here.balance) == (0, 300)
    assert isinstance(here.metered_client.call(request_plan), SpooledReply)
    assert (here.sent(), here.balance) == (1, 290)


def test_an_error_while_work_is_taken_gives_the_tokens_back(shop):
    here = shop()
    request_plan = Wanting()
    request_plan.claim = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        here.metered_client.call(request_plan)
    assert here.balance == 300


def test_a_full_spool_stops_calls_until_it_drains(shop):
    here = shop(answer(), answer(), limit_bytes=1)
    paid = here.metered_client.call(Wanting())
    outcome = here.metered_client.call(Wanting())
    assert isinstance(outcome, Idle)
    assert outcome.until_ns == here.clock.now_ns() + 5 * NS
    assert here.script.sent == ["/token", "/product"]
    paid.acknowledge()
    assert isinstance(here.metered_client.call(Wanting()), SpooledReply)


def test_a_disk_that_takes_nothing_does_not_lose_what_was_paid_for(shop):
    def full(_header, _body, _packed):
        raise OSError(28, "No space left on device")

    here = shop(answer())
    here.spool.put = full
    paid = here.metered_client.call(Wanting())
    assert paid.entry is None
    paid.acknowledge()
    assert "spool_write_failed" in here.text.getvalue()


def test_a_plan_that_can_never_pay_is_said_and_looked_at_again_later(shop):
    here = shop()
    here.ledger.observe(Reading(tokens_left=100, refill_rate=5, refill_in_ms=1000, server_ms=1))
    outcome = here.metered_client.call(Wanting(most=100 * 3))
    assert isinstance(outcome, Idle)
    assert outcome.until_ns == here.clock.now_ns() + 60 * NS
    assert "never_enough_tokens" in here.text.getvalue()


def test_the_beat_promises_the_end_of_a_call(shop):
    here = shop(answer())
    here.metered_client.call(Wanting())
    promised = [beat for beat in here.beats if beat["phase"] == "calling"]
    assert promised
    assert all(beat["until_ns"] > here.clock.now_ns() for beat in promised)


def test_work_that_the_plan_can_never_pay_for_is_looked_at_again_later_and_not_at_once(shop):
    here = shop()
    request_plan = Wanting(most=5)
    many = tuple(f"B{n:09d}" for n in range(20))
    request_plan.claim = lambda: ClaimedRequest(
        ProductRequest(1, many, "offers"), Origin(job="backfill", domain=1, asins=many)
    )
    outcome = here.metered_client.call(request_plan)
    assert isinstance(outcome, Idle)
    assert outcome.until_ns == here.clock.now_ns() + 60 * NS
    assert request_plan.given_back == 1
    assert "never_enough_tokens" in here.text.getvalue()


@pytest.mark.parametrize(
    "odd",
    [
        {"processingTimeInMs": None},
        {"processingTimeInMs": 1.5},
        {"processingTimeInMs": "fast"},
        {"tokenFlowReduction": None},
        {"timestamp": 1.757874538842e12},
        {"error": "none"},
        {"error": 5},
        {"error": {"type": 7}},
    ],
    ids=str,
)
def test_an_odd_field_that_decides_nothing_does_not_spoil_what_was_paid_for(shop, odd):
    here = shop(answer(7, **odd))
    paid = here.metered_client.call(Wanting())
    assert isinstance(paid, SpooledReply)
    assert here.script.sent == ["/token", "/product"]
    assert here.balance == 293
    assert len(here.entries()) == 1


@pytest.mark.parametrize(
    "odd", [{"tokensConsumed": None}, {"tokensConsumed": "seven"}, {"tokensConsumed": -1}], ids=str
)
def test_a_whole_reply_that_does_not_tell_its_cost_is_kept_and_the_next_reading_tells(shop, odd):
    here = shop(answer(7, **odd), answer(3))
    paid = here.metered_client.call(Wanting())
    assert isinstance(paid, SpooledReply)
    assert paid.envelope.tokens_consumed is None
    assert here.script.sent == ["/token", "/product"]
    paid.acknowledge()
    assert isinstance(here.metered_client.call(Wanting()), SpooledReply)
    assert here.balance == 290


@pytest.mark.parametrize(
    "odd", [{"tokensLeft": None}, {"refillRate": "5"}, {"refillIn": []}, {"timestamp": "now"}], ids=str
)
def test_a_whole_reply_that_does_not_tell_the_balance_is_settled_at_what_it_says_it_cost(shop, odd):
    here = shop(answer(7, **odd))
    paid = here.metered_client.call(Wanting())
    assert isinstance(paid, SpooledReply)
    assert paid.envelope.reading is None
    assert here.script.sent == ["/token", "/product"]
    assert here.balance == 293


@pytest.mark.parametrize("body", [b"[]", b'"sorry"', b"null", b"{}", b"[1, 2", b"<html>", b"", b'{"status": "up"}'])
def test_a_good_status_with_what_is_not_the_apis_is_a_failed_call(shop, body):
    here = shop((200, body), answer())
    here.until_paid(Wanting())
    assert here.sent() == 2
    assert len(here.entries()) == 1


@pytest.mark.parametrize(
    "body",
    [
        b'{"tokensLeft": 5, "products": [',
        b'{"tokensLeft": 5, "products": [{"title": "\\ud83d x"}]}',
        b'{"refillRate": NaN}',
        b'{"products": [{"asin": "B0',
    ],
)
@pytest.mark.parametrize("status", [200, 203])
def test_a_body_of_the_api_is_never_thrown_away_or_bought_again_for_its_form(shop, body, status):
    here = shop((status, body), answer())
    paid = here.metered_client.call(Wanting())
    assert isinstance(paid, SpooledReply)
    assert paid.entry.read()[1] == body
    assert here.sent() == 1


def test_a_balance_the_server_never_tells_ends_nobody_and_is_told_of(shop):
    here = shop()

    def silent(request):
        here.script.sent.append(request.endpoint)
        raise Transient("/token: no reply")

    here.script.send = silent
    began_ns = here.clock.now_ns()
    while here.clock.now_ns() < began_ns + 600 * NS:
        outcome = here.metered_client.call(Wanting())
        assert outcome.phase == "calling"
        assert "no reply" in outcome.why
        here.clock.advance_to_ns(outcome.until_ns)
    assert here.conditions() == {"calls": "x: /token: no reply"}
    begun = [beat for beat in here.beats if beat["detail"] == "/token"]
    assert begun
    assert all(beat["until_ns"] >= began_ns + (30 + 2 * 120) * NS for beat in begun)

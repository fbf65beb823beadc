"""Rules on a real database: what a page of deals tells, what is sent, and what a kill between two steps leaves."""

import io
from datetime import UTC, datetime, timedelta

import pytest

from ledger import SystemClock
from supervisor.config.notify_settings import NotifySettings
from supervisor.notify.figures import Figures
from supervisor.notify.service import Service
from tasks.errors import NotDelivered
from tasks.keepa.prices import NAMES
from tasks.notify import look, post, rule
from tasks.notify.deal_filter import filter_of
from tasks.notify.message import MESSAGE
from tasks.rule_settings import TargetSettings
from tasks.runtime.heartbeat_writer import HeartbeatWriter
from tasks.runtime.log import stream_logger
from tasks.runtime.stop import Stop
from tasks.secret import Secret
from tasks.store import deals, turns
from tasks.store.notify import changes, outbox, products
from tests.fakes.waiting import wait_until
from tests.store.conftest import a_deal

NOW = datetime.now(UTC)
NEW = NAMES.index("NEW")
MINUTE = timedelta(minutes=1)
TARGET = TargetSettings(name="phone", way="command", command=("true",))


def deal(number, price, *, update, mean=100, is_back=False):
    """A deal whose price of new ones is below a mean of 100 in every period."""
    current, back = [-1] * 36, [False] * 36
    current[NEW], back[NEW] = price, is_back
    avg, percent = [[-1] * 36 for _ in range(4)], [[0] * 36 for _ in range(4)]
    for means, percents in zip(avg, percent, strict=True):
        means[NEW], percents[NEW] = mean, round(100 * (mean - price) / mean)
    return a_deal(
        f"B{number:09d}", current=current, avg=avg, delta_percent=percent, last_update=update, back_in_stock=back
    )


class Rules:
    """Rules that look at a database, and what they have to say."""

    def __init__(self, conn, *given):
        self.conn = conn
        self.rules = []
        for number, one in enumerate(given):
            found, faults = rule.parse(f"rule{number}", {"to": "phone", "deals": ["new", "drop", "rise", "back"]} | one)
            assert not faults
            self.rules.append(found)
        self.live = [look.LiveRule(one, filter_of(one, {}, (["NEW"], "week"), look.AT_ONCE)) for one in self.rules]
        self.at = NOW
        with conn.transaction():
            assert turns.try_take_turn(conn, changes.TURN, "test")
            look.begin(conn, self.live, self.at)

    def list(self, *found):
        self.at += MINUTE
        with self.conn.transaction():
            deals.write(self.conn, 3, found, seen_at=NOW)
        with self.conn.transaction():
            look.look(self.conn, self.live, self.at)

    def told(self):
        """What is to be sent, each message as the events in it; it counts as sent then."""
        with self.conn.transaction():
            post.make_messages(self.conn, self.rules, self.at)
        found = []
        while due := outbox.due(self.conn, ["phone"], self.at):
            for one in due:
                outbox.sent(self.conn, one.id, self.at)
                found.append(
                    [(notice.rule, notice.event, notice.price) for notice in MESSAGE.decode(one.content).notices]
                )
        return found


def test_a_rule_tells_of_what_is_new_and_of_what_gets_cheaper_or_dearer(conn):
    here = Rules(conn, {"min_discount": 50})
    here.list(deal(1, 40, update=1), deal(2, 80, update=1))
    assert here.told() == [[("rule0", "new", "0.40")]]
    here.list(deal(1, 30, update=2), deal(2, 80, update=2))
    assert here.told() == [[("rule0", "drop", "0.30")]]
    here.list(deal(1, 90, update=3))
    assert here.told() == [[("rule0", "rise", "0.90")]]
    here.list(deal(1, 90, update=3))
    assert here.told() == []


def test_a_deal_that_is_back_in_stock_is_told_as_such(conn):
    here = Rules(conn, {})
    here.list(deal(1, 40, update=1, is_back=True))
    assert here.told() == [[("rule0", "back", "0.40")]]


def test_what_met_a_new_rule_before_is_not_told_until_it_changes(conn):
    with conn.transaction():
        deals.write(conn, 3, [deal(1, 40, update=1)], seen_at=NOW)
    here = Rules(conn, {})
    here.list(deal(1, 40, update=2))
    assert here.told() == []
    here.list(deal(1, 39, update=3))
    assert here.told() == [[("rule0", "drop", "0.39")]]


def test_other_conditions_begin_anew_and_a_rule_that_is_gone_is_forgotten(conn):
    here = Rules(conn, {}, {"min_discount": 10})
    here.list(deal(1, 40, update=1))
    assert len(here.told()) == 2
    Rules(conn, {"min_discount": 20})
    assert products.digests(conn).keys() == {"rule0"}
    assert conn.execute("SELECT rule, matches, told_at FROM rule_products").fetchall() == [("rule0", True, None)]


def test_a_price_and_the_products_themselves_can_be_a_condition(conn):
    here = Rules(conn, {"max_price": 0.35, "domain": "de"}, {"products": ["B000000002"]})
    here.list(deal(1, 40, update=1), deal(2, 36, update=1), deal(3, 35, update=1))
    assert sorted(here.told()) == [[("rule0", "new", "0.35")], [("rule1", "new", "0.36")]]


def test_nothing_is_written_down_while_nobody_looks(conn):
    with conn.transaction():
        deals.write(conn, 3, [deal(1, 40, update=1)], seen_at=NOW)
    assert conn.execute("SELECT count(*) FROM deal_changes").fetchone() == (0,)


def test_what_an_interrupted_look_took_is_looked_at_again(conn):
    here = Rules(conn, {})
    with conn.transaction():
        deals.write(conn, 3, [deal(1, 40, update=1)], seen_at=NOW)
    with conn.transaction(force_rollback=True):  # as a kill leaves it
        assert look.look(conn, here.live, here.at) == 1
    here.list()
    assert here.told() == [[("rule0", "new", "0.40")]]


def test_a_writer_waits_for_nobody_who_looks(conn, database_url):
    from tasks.store.connection import connect

    here = Rules(conn, {})
    here.list(deal(1, 40, update=1))
    with connect(database_url, application_name="writer", autocommit=True, lock_timeout_ms=30_000) as other:
        with conn.transaction(), other.transaction():
            deals.write(other, 3, [deal(1, 39, update=2)], seen_at=NOW)
            assert look.look(conn, here.live, here.at) == 0  # not committed yet
        with other.transaction():
            deals.write(other, 3, [deal(1, 38, update=3)], seen_at=NOW)
            with conn.transaction():
                assert look.look(conn, here.live, here.at) == 1
    with conn.transaction():
        assert look.look(conn, here.live, here.at) == 1


class Far:
    """The far end: what it accepts, and whether it does."""

    def __init__(self):
        self.refuses = False
        self.accepted = []

    def __call__(self, _target, message):
        if self.refuses:
            raise NotDelivered("closed")
        self.accepted.append(message.id)


@pytest.fixture
def far():
    return Far()


def one_round(conn, postman, now):
    with conn.transaction():
        chosen = postman.begin(conn, now)
    postman.send(chosen)
    if chosen:
        wait_until(postman.is_done, "the outcome")
        with conn.transaction():
            settled = postman.settle(conn, now)
        settled()
    return len(chosen)


def test_what_a_target_refuses_is_sent_again_later_and_the_refusal_has_an_end(conn, far):
    here = Rules(conn, {})
    here.list(deal(1, 40, update=1))
    with conn.transaction():
        post.make_messages(conn, here.rules, here.at)
    postman = post.Postman([TARGET], far)
    far.refuses = True
    assert one_round(conn, postman, here.at) == 1
    assert [(one.target, one.since, one.reason, one.waiting) for one in outbox.failing(conn)] == [
        ("phone", here.at, "closed", 1)
    ]
    assert one_round(conn, postman, here.at) == 0
    far.refuses = False
    assert one_round(conn, postman, here.at + timedelta(seconds=post.pause_s(1))) == 1
    assert outbox.failing(conn) == []
    assert len(far.accepted) == 1
    postman.close()


def test_a_message_whose_outcome_was_not_written_down_comes_again_under_the_same_id(conn, far):
    here = Rules(conn, {})
    here.list(deal(1, 40, update=1), deal(2, 40, update=1))
    with conn.transaction():
        post.make_messages(conn, here.rules, here.at)
    killed = post.Postman([TARGET], far)
    with conn.transaction():
        chosen = killed.begin(conn, here.at)
    killed.send(chosen)
    wait_until(killed.is_done, "the first one")  # and then the process is killed
    killed.close()
    postman = post.Postman([TARGET], far)
    while one_round(conn, postman, here.at):
        pass
    postman.close()
    assert far.accepted[0] == far.accepted[1]
    assert len(far.accepted) == 3
    assert len(set(far.accepted)) == 2


def test_what_is_for_a_target_that_is_gone_is_deleted(conn):
    here = Rules(conn, {})
    here.list(deal(1, 40, update=1))
    with conn.transaction():
        post.make_messages(conn, here.rules, here.at)
    assert outbox.abandon_others(conn, ["mail"], ["rule0"]) == 1
    assert outbox.counts(conn, NOW, NOW) == []


def test_messages_are_kept_for_a_while(conn):
    here = Rules(conn, {})
    here.list(deal(1, 40, update=1))
    assert len(here.told()) == 1
    assert outbox.prune(conn, here.at) == 0
    assert outbox.counts(conn, NOW, NOW - MINUTE)[0].sent == 1
    outbox.prune(conn, here.at + MINUTE)
    assert outbox.counts(conn, NOW, NOW - MINUTE) == []


def test_a_message_that_is_refused_holds_the_others_back_for_a_while_and_not_for_ever(conn, far):
    here = Rules(conn, {})
    here.list(deal(1, 40, update=1), deal(2, 40, update=1))
    with conn.transaction():
        post.make_messages(conn, here.rules, here.at)
    postman = post.Postman([TARGET], far)
    far.refuses = True
    now, refused = here.at, set()
    while len(refused) < 2:
        (first,) = conn.execute("SELECT min(due_at) FROM messages").fetchone()
        now = max(now, first) + timedelta(hours=1)
        one_round(conn, postman, now)
        refused = {row[0] for row in conn.execute("SELECT id FROM messages WHERE failing_since IS NOT NULL")}
    assert sorted(conn.execute("SELECT attempts FROM messages").fetchall()) == [(1,), (5,)]
    postman.close()


def test_a_look_at_much_goes_on_only_while_the_turn_lasts(conn, database_url, monkeypatch):
    here = Rules(conn, {})
    conn.execute("DELETE FROM turns")
    with conn.transaction():
        deals.write(conn, 3, [deal(number, 40, update=1) for number in (1, 2, 3)], seen_at=NOW)
    settings = NotifySettings(
        state_dir="", host="", database_url=Secret(database_url), rules=tuple(here.rules), targets=(TARGET,),
        domains=(3,), selections=(),
    )  # fmt: skip
    look_once, beats = look.look, []

    def look_and_lose_the_turn(*arguments):
        count = look_once(*arguments)
        conn.execute("UPDATE turns SET owner = 'another@host', until = now() + interval '1 hour'")
        return count

    monkeypatch.setattr(look, "AT_ONCE", 1)
    monkeypatch.setattr(look, "look", look_and_lose_the_turn)
    with Stop() as stop:
        beat, log = HeartbeatWriter(beats.append, SystemClock()), stream_logger(io.StringIO())
        service = Service(settings, stop, beat, log, Figures(["phone"]))
        service._round(conn)
    assert conn.execute("SELECT count(*) FROM deal_changes").fetchone() == (2,)
    assert conn.execute("SELECT count(*) FROM messages").fetchone() == (0,)
    assert beats[-1]["detail"] == "another host sends the messages of this database"

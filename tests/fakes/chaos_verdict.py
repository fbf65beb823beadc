"""What must be true of a system after everything was done to it, with the figures it is judged by."""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from contextlib import contextmanager

from tasks.embedded_postgres.server import EmbeddedPostgres
from tasks.keepa.client import KeepaClient
from tasks.keepa.decode.replies import decode_deals
from tasks.keepa.reply import envelope_of_reply
from tasks.keepa.request import DealRequest
from tasks.keepa.selection.selection import default_selection
from tasks.secret import Secret
from tasks.store.connection import connect
from tests.fakes.api.spoilings_by_effect import UNREADABLE_KINDS
from tests.fakes.program.cli_program import all_gone
from tests.fakes.waiting import wait_until

PATIENCE_S = 900  # what was asked for in vain is asked for again after growing pauses
OPEN = "select count(*) from fetch_queue where state in ('pending', 'leased')"
TWICE = "select count(*) - count(distinct (domain, asin)) from deals"
GIVEN_UP = "select asin from fetch_queue where state = 'given up'"
KEPT = "select asin from products union select key from quarantine"
BODIES = "select raw from quarantine where raw is not null"
PAID = "select coalesce(sum(cost), 0), coalesce(sum(estimate) filter (where cost is null), 0) from calls"
TRIES = 5  # at finding both before the bucket is full
MANY = 5  # items: the same so many in one request are the same work, and not by chance


def say(words):
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def listing(oracle):
    """The creation date of every deal that the server shows for the selection now, by ASIN."""
    found = {}
    with KeepaClient(Secret("other"), oracle.url) as client:
        for page in range(100):
            reply = client.send(DealRequest(default_selection(1).for_upsert(), page))
            envelope_of_reply(reply)
            deals = decode_deals(reply.body).deals
            found |= {deal.asin: deal.creation_date for deal in deals}
            if len(deals) < 150:
                return found
    raise AssertionError("the list does not end")


def judge_rows(chaos, oracle):
    """In the calm: every deal that is shown is there once, and every product asked for is a row or in quarantine."""
    shown = listing(oracle)
    began = chaos.rows("select now()")[0][0]
    since = f"select count(distinct job) from crawls where state = 'done' and started_at > '{began}'"
    wait_until(lambda: chaos.rows(since) == [(2,)], "a walk and a crawl since", PATIENCE_S, chaos.story)
    wait_until(lambda: chaos.rows(OPEN) == [(0,)], "an empty queue", PATIENCE_S, chaos.story)

    def lost():
        kept, later = dict(chaos.rows("select asin, creation_date from deals")), listing(oracle)
        return {asin for asin in shown.keys() & later.keys() if kept.get(asin, 0) < shown[asin]}

    # Deals that leave the list while it is crawled lift others over the edge of a page: the next crawl shows them.
    wait_until(lambda: not lost(), "every deal that is shown", PATIENCE_S, lambda: f"{lost()} {chaos.story()}")
    assert len(shown) > 50
    assert chaos.rows(TWICE) == [(0,)], chaos.story()
    asked = {asin for call in chaos.spoiler.calls("/product") for asin in call["asins"].split(",") if asin}
    asked |= {asin for (asin,) in chaos.rows(GIVEN_UP)}
    missing = asked - {key for (key,) in chaos.rows(KEPT)}
    bodies = [bytes(raw) for (raw,) in chaos.rows(BODIES)] if missing else []
    missing = {asin for asin in missing if not any(asin.encode() in body for body in bodies)}
    quarantined = chaos.rows("select kind, count(*) from quarantine group by kind")
    say(f"{len(shown)} deals shown, {len(asked)} products asked for, in quarantine {dict(quarantined)}")
    assert missing == set(), f"neither a row nor in quarantine: {chaos.story()}"


def bought_again(paid, age_s):
    """Tokens paid again before `age_s`: of what was `read`, and of what could not be, with the work it was.

    A history is known by its product. Figures alone are asked for again when a deal changes: of those only the same
    many in one request are the same work.
    """
    last, again, works = {}, Counter(), Counter()
    for call in paid:
        asins, is_read = call["asins"].split(","), not UNREADABLE_KINDS & set(call["spoiled"])
        is_history = call["query"].get("history") == "1"
        work = asins if is_history else [call["asins"]] * (len(asins) >= MANY)
        for one in work:
            when, was_read = last.get(one, (-math.inf, True))
            if call["at"] - when < age_s:
                again["read" if was_read else "unread"] += call["consumed"] / len(work)
                works[one] += 1
            last[one] = call["at"], is_read
    return again, works


def judge_work(chaos, age_s):
    """Nothing was paid for again before `age_s`, but for what could be read by nothing or was on the wire."""
    paid = [call for call in chaos.spoiler.calls("/product") if call["consumed"] > 0]
    again, works = bought_again(paid, age_s)
    spoiled = Counter(kind for call in chaos.spoiler.calls() for kind in call["spoiled"])
    say(f"{len(chaos.spoiler.calls())} replies, {len(paid)} of them products; spoiled {dict(spoiled)}")
    unseen = chaos.rows(PAID)[0][1]
    unreadable = sum(call["consumed"] for call in paid if UNREADABLE_KINDS & set(call["spoiled"]))
    figures = f"wire {chaos.wire:g}, no end seen {unseen:g}, unreadable {unreadable}"
    say(f"bought again: {again['read']:g} tokens that were read, {again['unread']:g} that were not ({figures})")
    assert again["read"] <= chaos.wire + unseen, f"{works.most_common(8)} {chaos.story()}"


def ticks_behind(books, account):
    """Ticks by which the ledger is poorer than the server for another reason than the lateness of its last reply.

    The ledger counts a tick later by as long as that reply took to it. So it comes to the server's next balance that
    much after the server; what is more, or less, are tokens that one of the two does not have. 0 is none, and nothing
    but whole ticks can be brought by time.
    """
    ours, theirs = books["bucket"], account["bucket"]
    missing = (theirs["balance"] - ours["balance"]) / theirs["rate"]
    late_s = (account["now_ms"] - books["server_ms"]) / 1000
    waits_longer_s = ours["next_tick_in_s"] - theirs["next_tick_in_s"] - late_s
    behind = missing + waits_longer_s / theirs["tick_period_s"]
    return round(behind) if missing == round(missing) else behind


def judge_balance(chaos):
    """With everybody paused the ledger holds what the server holds, while neither is full."""
    looks, full = [], chaos.simulator.control()["bucket"]["capacity"]

    def both():
        looks.append((chaos.program.ledger(), chaos.simulator.control()))
        return [one["bucket"]["balance"] for one in looks[-1]]

    def are_equal():
        return max(both()) < full and ticks_behind(*looks[-1]) == 0

    for _ in range(TRIES):
        there = chaos.simulator.control()["bucket"]["balance"]
        chaos.simulator.control(take=max(0, there))  # as another program with the same key
        wait_until(lambda: both()[0] < full / 2 or both()[1] == full, "the ledger to learn it", explain=chaos.story)
        wait_until(lambda: chaos.give("pause", "all") == 0, "a pause", explain=chaos.story)
        wait_until(lambda: not chaos.program.ledger()["leases"], "no call on its way", explain=chaos.story)
        wait_until(lambda: are_equal() or both()[1] == full, "one balance", explain=chaos.story)
        ours, theirs = both()
        if ours < full and ticks_behind(*looks[-1]) == 0:
            say(f"balance {ours:g} in the ledger, {theirs:g} at the server, {full:g} at most")
            return
        wait_until(lambda: chaos.give("resume", "all") == 0, "a resumption", explain=chaos.story)
    seen = [
        (ours["bucket"]["balance"], theirs["bucket"]["balance"], theirs["now_ms"] - ours["server_ms"])
        for ours, theirs in looks
    ]
    raise AssertionError(f"never one balance here and there, with ms between, before both are full: {seen[::20]}")


def lines(chaos, level):
    """The records of this level in the log."""
    found = (json.loads(line) for line in chaos.program.log().splitlines() if line.startswith("{"))
    return [record for record in found if record.get("level") == level]


def judge_run(chaos):
    """No worker ended with a bug, and none was refused for good."""
    ends = Counter(death.get("code") or death.get("signal") or death["role"] for death in chaos.program.records("died"))
    say(f"deaths by code, signal or role: {dict(ends)}")
    alarms = Counter(f"{one['event']}: {one.get('error')}"[:200] for one in lines(chaos, "error"))
    for words, times in alarms.most_common(12):
        say(f"  {times} times {words}")
    assert not {70, 77, 78} & set(ends), chaos.story()


def judge_leftovers(chaos, family):
    """After the stop: no process, no socket, no reply, no temporary file."""
    wait_until(lambda: all_gone(family), "everything gone", explain=chaos.story)
    wait_until(lambda: chaos.family() == [], "everything gone", explain=chaos.story)
    state = chaos.program.state
    left = [path for kind in ("*.sock", "spool*/**/*.part", "spool*/**/*.reply") for path in state.glob(kind)]
    assert left == [], chaos.story()


@contextmanager
def database_of(chaos, name):
    """A connection to the database of a system that has ended."""
    if chaos.theirs is not None:
        with connect(chaos.place.url(), application_name="chaos") as conn:
            yield conn
        return
    with (
        EmbeddedPostgres(chaos.program.state / "postgres") as server,
        connect(server.start(name), application_name="chaos") as conn,
    ):
        yield conn


def judge_tokens(chaos, database):
    """The books balance, and the server charged what is recorded and at most what nobody saw the end of."""
    with database_of(chaos, database) as conn:
        recorded, unseen = conn.execute(PAID).fetchone()
    books, account = chaos.program.ledger(), chaos.simulator.control()
    totals, bucket = books["totals"], books["bucket"]
    spent = {tier["name"]: tier["spent"] for tier in books["tiers"]}
    lost = account["spent"] - recorded
    # What a reply that was spoiled said of its cost may be anything.
    unsure = sum(2 * call["consumed"] for call in chaos.spoiler.calls() if call["spoiled"])
    most = chaos.wire + unseen + unsure
    figures = f"{len(chaos.events)} events, {account['spent']} tokens, {lost} of them unseen, at most {most:g}"
    say(f"{figures}; {account['refused_429']} refused; by tier {spent}")
    assert -unsure <= lost <= most, f"{figures}: {chaos.story()}"
    came, went = totals["credited"] + bucket["drift"], bucket["balance"] + totals["spent"] + totals["expired"]
    assert round(came, 3) == round(went, 3), chaos.story()
    assert books["leases"] == [], chaos.story()
    assert min(spent["upsert"], spent["backfill"]) > 0, chaos.story()


def judge(chaos, oracle, age_s=math.inf):
    """All of it; the system is ended on the way. Every figure is told, and every fault at the end."""
    faults = []

    def see(look, *more):
        try:
            look(chaos, *more)
        except AssertionError as fault:
            faults.append(f"{look.__name__}: {fault}")
            say(faults[-1].partition("\n")[0][:300])

    see(judge_run)
    see(judge_rows, oracle)
    see(judge_work, age_s)
    see(judge_balance)
    database = chaos.program.report()["run"]["database"]
    family = [int(pid) for pid in chaos.family()]
    assert chaos.program.stop() == 0, chaos.story()
    see(judge_leftovers, family)
    see(judge_tokens, database)
    assert not faults, "\n\n".join(faults)

"""Products that people ask for one by one: in turn, each told what came of it, whatever happens to its process."""

from __future__ import annotations

import os
import signal
from types import SimpleNamespace

import pytest

from supervisor.config import settings
from supervisor.process.states import Stage
from supervisor.tree import look_ups
from supervisor.tree.look_ups import MOST, LookUpService, Product
from supervisor.tree.workers import WorkerPool
from tasks.errors import EXIT_FAILED, EXIT_OK, EXIT_TRY_LATER, EXIT_USAGE
from tests.fakes.program.worker_family import Family, Scripted

ASINS = [f"B{number:09d}" for number in range(MOST + 3)]
DONE = [["ready"], ["beat", {"job": {"code": 0, "words": "charged 1 token"}}], ["exit", 0]]

# What a test does not shorten cannot be what ended its wait.
NO_HURRY = {"READY_S": "600", "HANG_S": "3600", "STOP_S": "600"}


class Run(Family):
    """What a service of look-ups needs of a run."""

    def __init__(self):
        super().__init__()
        self.listeners = []
        self.stage = Stage.WORKING
        self.plan = SimpleNamespace(settings=settings.load_settings(NO_HURRY, dotenv=None))
        self.given = object()
        self.draining = SimpleNamespace(words=None)
        self.condition_watch = SimpleNamespace(records=tuple)
        self.ledgers = {}

    def worker_settings(self, _plan):
        return self.given

    def changed(self):
        for listener in self.listeners:
            listener()

    def close(self):
        self.stage = Stage.OVER
        for slot in self.tree.services:
            slot.feed(look_ups.Event.KILL)
        self.until(lambda: all(slot.state in look_ups.RESTING for slot in self.tree.services), "rest")
        super().close()


@pytest.fixture
def run():
    one = Run()
    yield one
    one.close()


@pytest.fixture
def asked(run):
    """A function that asks for a product whose process obeys a script; what it gives is filled with the answer."""
    scripts = {}
    service = LookUpService(
        run, run.loop, lambda product, _: Scripted(role="fetch", slot=0, script=scripts[product.asin])
    )

    def ask(asin, script=DONE, **other):
        scripts[asin] = script
        answers = []
        product = Product(**{"domain": 1, "asin": asin, "detail": "history", **other})
        service.ask(product, lambda code, words: answers.append((code, words)))
        return answers

    ask.cancel = service.cancel
    return ask


def test_each_is_asked_for_when_the_one_before_it_is_answered(run, asked):
    slow = asked(ASINS[0], [["ready"], *DONE[1:]])
    others = [asked(asin) for asin in ASINS[1:4]]
    assert not any(others)
    run.until(lambda: all(others), "an answer to each")
    assert [slow, *others] == [[(EXIT_OK, "charged 1 token")]] * 4
    assert len(run.tree.services) == 1
    assert run.deaths() == []


def test_a_process_that_is_killed_is_no_end_of_the_others_and_its_product_is_not_asked_for_again(run, asked):
    killed = asked(ASINS[0], [["ready"], ["hang"]])
    then = asked(ASINS[1])
    (slot,) = run.tree.services
    run.until(lambda: slot.ready_ns is not None, "service")
    os.kill(slot.pid, signal.SIGKILL)
    run.until(lambda: then, "the answer to the next one")
    ((code, words),) = killed
    assert code == EXIT_FAILED
    assert "ended before it was answered" in words
    assert then == [(EXIT_OK, "charged 1 token")]
    assert len(run.deaths()) == 1
    assert run.lost is None, "the run goes on"


def test_what_was_told_counts_although_the_process_died_then(run, asked):
    told = asked(ASINS[0], [*DONE[:2], ["exit", 70]])
    run.until(lambda: told)
    assert told == [(EXIT_OK, "charged 1 token")]


def test_a_run_that_stops_asks_its_process_to_stop_and_says_so(run, asked):
    stopped = asked(ASINS[0], [["ready"], ["hang"]])
    waiting = asked(ASINS[1])
    (slot,) = run.tree.services
    run.until(lambda: slot.ready_ns is not None, "service")
    run.stage = Stage.STOPPING_WORKERS
    run.changed()
    run.until(lambda: stopped)
    assert stopped[0][0] == EXIT_FAILED
    assert "was stopped" in stopped[0][1]
    run.until(lambda: waiting)
    assert waiting == [(EXIT_TRY_LATER, "the supervisor is stopping")]


def test_one_that_is_cancelled_is_stopped_or_never_begun_and_the_next_one_follows(run, asked):
    current = asked(ASINS[0], [["ready"], ["hang"]])
    waiting, last = asked(ASINS[1]), asked(ASINS[2])
    (slot,) = run.tree.services
    run.until(lambda: slot.ready_ns is not None, "service")
    assert asked.cancel(3, ASINS[0])[0] == EXIT_FAILED, "the same product of another shop"
    assert asked.cancel(1, ASINS[1])[0] == EXIT_OK
    ((code, words),) = waiting
    assert (code, "nothing was paid" in words) == (EXIT_TRY_LATER, True)
    assert not current
    assert asked.cancel(1, ASINS[0])[0] == EXIT_OK
    run.until(lambda: last, "the answer to the next one")
    assert "was stopped" in current[0][1]
    assert last == [(EXIT_OK, "charged 1 token")]
    code, words = asked.cancel(1, ASINS[0])
    assert (code, "is not being fetched" in words) == (EXIT_FAILED, True)
    assert run.deaths() == []


def test_what_a_process_tells_although_it_was_cancelled_is_the_answer(run, asked):
    current = asked(ASINS[0], [*DONE[:2], ["hang"]])
    (slot,) = run.tree.services
    run.until(lambda: slot.beat is not None and slot.beat.job, "its word")
    assert asked.cancel(1, ASINS[0])[0] == EXIT_OK
    run.until(lambda: current, "the answer")
    assert current == [(EXIT_OK, "charged 1 token")]


def test_a_host_is_drained_once_no_product_is_asked_for_any_more(run, asked):
    pool = WorkerPool(run.tree, run.log, frozenset())
    stopped = asked(ASINS[0], [["ready"], ["hang"]])
    waiting = asked(ASINS[1])
    (slot,) = run.tree.services
    run.until(lambda: slot.ready_ns is not None, "service")
    run.draining.words = "draining"
    pool.drain()
    assert not pool.is_drained
    run.until(lambda: stopped and waiting, "both answers")
    assert pool.is_drained
    assert "was stopped" in stopped[0][1]
    assert (waiting[0][0], "is drained" in waiting[0][1]) == (EXIT_TRY_LATER, True)


def test_what_cannot_be_asked_for_is_refused_at_once(run, asked):
    assert asked("B1")[0][0] == EXIT_USAGE
    assert asked(ASINS[0], domain=99)[0][0] == EXIT_USAGE
    assert asked(ASINS[0], detail="everything")[0][0] == EXIT_USAGE
    run.given, run.stage = None, Stage.PREPARING
    assert "not there yet" in asked(ASINS[0])[0][1]
    assert run.tree.services == []


def test_not_more_than_a_few_may_wait(asked):
    hung = asked(ASINS[0], [["ready"], ["hang"]])
    waiting = [asked(asin) for asin in ASINS[1 : MOST + 1]]
    ((code, words),) = asked(ASINS[MOST + 1])
    assert code == EXIT_TRY_LATER
    assert str(MOST) in words
    assert not hung
    assert not any(waiting)

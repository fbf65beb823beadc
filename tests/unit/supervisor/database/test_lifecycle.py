"""The lifecycle of the database: what it is at when a stop comes is ended, and not waited for."""

from __future__ import annotations

import threading

import pytest

from supervisor.database.lifecycle import DatabaseLifecycle
from supervisor.database.watch import DatabaseWatch
from supervisor.eventloop.executor import BackgroundExecutor
from supervisor.eventloop.loop import Loop, MonotonicClock
from supervisor.logs.log import Log, as_json
from supervisor.process.states import State
from tasks.errors import DatabaseTransient
from tasks.redaction import Redactor
from tests.fakes.waiting import LIMIT_S, wait_until


class Deaf:
    """A database whose start takes until it is cancelled."""

    applied: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    doing = "somebody else's lock is waited for"

    def __init__(self):
        self.done = []
        self.is_started, self.is_cancelled = threading.Event(), threading.Event()

    def start(self):
        self.is_started.set()
        self.is_cancelled.wait(LIMIT_S)
        self.done.append("started")
        raise DatabaseTransient("asked to stop")

    def cancel(self):
        self.done.append("cancelled")
        self.is_cancelled.set()

    def stop(self):
        self.done.append("stopped")

    def server_pid(self):
        return None


class Nobody:
    """Needs the database, and would be told."""

    def database_up(self, _url):
        pytest.fail("it is up")

    def database_lost(self, _error):
        pytest.fail("it is lost")

    def changed(self):
        pass


def test_a_start_that_takes_long_is_told_with_what_it_is_at():
    database = Deaf()
    with Loop(MonotonicClock()) as loop:
        aside, log = BackgroundExecutor(loop, "test"), Log(lambda _line: None, render=as_json, redactor=Redactor())
        watch = DatabaseWatch(loop, lambda: None)
        lifecycle = DatabaseLifecycle(database, Nobody(), loop=loop, executor=aside, log=log, watch=watch)
        lifecycle.first_start_s = lifecycle.long_s = 0.01
        lifecycle.start()

        def told(words):
            loop.step()
            return watch.condition is not None and words in watch.condition.why

        wait_until(lambda: told("somebody else's lock"), "what is waited for")
        since = watch.condition.since
        database.doing = "an old schema is brought up to date"
        wait_until(lambda: told("an old schema"), "what it is at by now")
        assert watch.condition.since == since
        database.cancel()
        assert aside.close(LIMIT_S)


def test_a_first_start_that_is_still_in_time_is_starting_and_not_a_condition():
    database = Deaf()
    with Loop(MonotonicClock()) as loop:
        executor, log = BackgroundExecutor(loop, "test"), Log(lambda _line: None, render=as_json, redactor=Redactor())
        watch = DatabaseWatch(loop, lambda: None)
        lifecycle = DatabaseLifecycle(database, Nobody(), loop=loop, executor=executor, log=log, watch=watch)
        lifecycle.long_s = 0.01
        lifecycle.start()
        is_over = threading.Event()
        loop.after(0.1, is_over.set)
        while not is_over.is_set():
            loop.step()
        assert watch.condition is None
        assert lifecycle.record().state == "starting"
        database.cancel()
        assert executor.close(LIMIT_S)


def test_a_start_that_waits_is_ended_by_a_stop_and_only_then_is_the_database_stopped():
    database, at_rest = Deaf(), []
    with Loop(MonotonicClock()) as loop:
        aside, log = BackgroundExecutor(loop, "test"), Log(lambda _line: None, render=as_json, redactor=Redactor())
        watch = DatabaseWatch(loop, lambda: None)
        lifecycle = DatabaseLifecycle(database, Nobody(), loop=loop, executor=aside, log=log, watch=watch)
        lifecycle.start()
        assert database.is_started.wait(LIMIT_S)
        lifecycle.stop(lambda: at_rest.append(lifecycle.state))
        assert database.done[0] == "cancelled", "at once, by whoever stops it"

        def stands():
            loop.after(0.02, lambda: None)
            loop.step()
            return at_rest

        wait_until(stands, "the end of the stop")
        assert aside.close(LIMIT_S)
    assert database.done == ["cancelled", "started", "stopped"]
    assert at_rest == [State.STOPPED]

from __future__ import annotations

import os
import signal
import threading
import time

from tasks.runtime.stop import Stop
from tests.fakes.waiting import LIMIT_S


def test_a_flag_that_is_not_set_waits_out_its_time():
    with Stop() as stop:
        began = time.monotonic()
        assert not stop.wait(0.05)
        assert time.monotonic() - began >= 0.05


def test_setting_the_flag_wakes_a_waiter_at_once():
    with Stop() as stop:
        setter = threading.Timer(0.05, stop.set)
        setter.start()
        assert stop.wait(3600)
        setter.join()


def test_a_set_flag_never_waits_again_and_stays_set():
    with Stop() as stop:
        stop.set()
        stop.set()
        assert stop.wait(3600)
        assert stop.wait(3600)
        assert stop.is_set()


def test_a_signal_wakes_the_main_thread_out_of_its_wait():
    before = signal.getsignal(signal.SIGUSR2)
    try:
        with Stop() as stop:
            stop.on([signal.SIGUSR2])
            sender = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR2))
            sender.start()
            assert stop.wait(3600)
            sender.join()
    finally:
        signal.signal(signal.SIGUSR2, before)


def test_two_threads_may_wait_on_the_same_flag():
    with Stop() as stop:
        woken = []
        threads = [threading.Thread(target=lambda: woken.append(stop.wait(3600))) for _ in range(2)]
        for thread in threads:
            thread.start()
        stop.set()
        for thread in threads:
            thread.join(LIMIT_S)
        assert woken == [True, True]


def test_setting_a_closed_flag_is_harmless():
    stop = Stop()
    stop.close()
    stop.set()
    assert stop.is_set()

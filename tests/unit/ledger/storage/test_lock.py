"""The lock of a ledger keeps out threads and processes, and goes with its descriptor."""

import os
import threading

import pytest

from ledger.storage.lock import NO_FILE, Lock, own_descriptor

LIMIT_S = 60


@pytest.fixture
def fd(tmp_path):
    fd = os.open(tmp_path / "locked", os.O_RDWR | os.O_CREAT)
    yield fd
    os.close(fd)


@pytest.mark.parametrize("has_file", [True, False])
def test_a_second_thread_waits_for_the_first(fd, has_file):
    lock = Lock(own_descriptor(fd) if has_file else NO_FILE)
    lock.acquire()
    is_in = threading.Event()
    waiting = threading.Thread(target=lambda: (lock.acquire(), is_in.set(), lock.release()))
    waiting.start()
    assert not is_in.wait(0.05)
    lock.release()
    assert is_in.wait(LIMIT_S)
    waiting.join(LIMIT_S)
    lock.close()


def test_another_descriptor_waits_until_the_first_is_closed(fd):
    first, second = Lock(own_descriptor(fd)), Lock(own_descriptor(fd))
    first.acquire()
    waiting = threading.Thread(target=second.acquire)
    waiting.start()
    waiting.join(0.05)
    assert waiting.is_alive()
    first.close()
    first.close()
    waiting.join(LIMIT_S)
    assert not waiting.is_alive()
    second.close()


def test_a_lock_that_the_system_refuses_is_free_afterwards(fd):
    lock = Lock(os.open("/proc/self/stat", os.O_RDONLY))
    os.close(lock._fd)
    with pytest.raises(OSError, match="Bad file descriptor"):
        lock.acquire()
    lock._fd = own_descriptor(fd)
    lock.acquire()
    lock.release()
    lock.close()

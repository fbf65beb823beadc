"""A thread that nobody expected to end."""

import io
import threading

from supervisor.notify.__main__ import end_with_threads
from tasks.redaction import Redactor
from tasks.runtime.log import stream_logger
from tasks.runtime.stop import Stop

LIMIT_S = 120


def test_an_error_that_ends_a_thread_ends_the_process_and_is_told_without_secrets(monkeypatch):
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)  # what is set there is taken back

    def fail():
        raise RuntimeError("no such host: s3cr3t")

    out = io.StringIO()
    with Stop() as stop:
        broken = end_with_threads(stop, stream_logger(out, redactor=Redactor(["s3cr3t"])))
        assert not broken
        thread = threading.Thread(target=fail)
        thread.start()
        assert stop.wait(LIMIT_S)
        thread.join(LIMIT_S)
    assert len(broken) == 1
    assert "worker_failed" in out.getvalue()
    assert "s3cr3t" not in out.getvalue()

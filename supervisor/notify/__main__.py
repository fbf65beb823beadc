"""`python -m supervisor.notify`: the process that sends messages, started by the supervisor where there are rules."""

from __future__ import annotations

import argparse
import logging
import os
import re
import signal
import sys
import threading
from typing import TYPE_CHECKING
from urllib.parse import unquote

from ledger import SystemClock
from supervisor.config import notify_settings
from supervisor.notify.alarm_watch import AlarmWatch
from supervisor.notify.figures import Figures
from supervisor.notify.service import Service
from tasks.errors import EXIT_BUG, EXIT_OK, Error, plain
from tasks.redaction import Redactor
from tasks.runtime import crash_stacks, lifeline
from tasks.runtime.heartbeat_writer import HeartbeatWriter, PipeSink
from tasks.runtime.log import stream_logger
from tasks.runtime.stop import Stop
from tasks.store.connection import password_of

if TYPE_CHECKING:
    from tasks.runtime.log import Logger

_NICENESS = 5  # workers and the supervisor come first
_BETWEEN = re.compile(r"[/:@?&=#,]+")  # the parts of an address
_SHORTEST = 6  # characters of a part of an address that is taken for a secret


def main() -> int:
    """Send messages until the supervisor is gone or asks for the end; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m supervisor.notify", description=__doc__)
    for name in ("--status-fd", "--lifeline-fd"):
        parser.add_argument(name, type=int, required=True)
    chosen = parser.parse_args()
    lifeline.die_with_parent()
    crash_stacks.enable()
    os.nice(_NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is the parent's to hear
    logging.getLogger().addHandler(logging.NullHandler())  # what libraries say may repeat an address
    with Stop() as stop:
        stop.on([signal.SIGTERM])
        try:
            settings = notify_settings.CODEC.decode(lifeline.first_line(chosen.lifeline_fd))
        except Error as error:
            sys.stderr.write(f"{plain(error)}\n")
            return error.exit_code
        lifeline.watch(chosen.lifeline_fd, stop)
        log = stream_logger(sys.stderr, redactor=Redactor(secrets_of(settings))).bind(role="notify", slot=0)
        broken = end_with_threads(stop, log)
        alarms = AlarmWatch(settings, log, figures := Figures(one.name for one in settings.targets))
        try:
            alarms.start()
            Service(settings, stop, HeartbeatWriter(PipeSink(chosen.status_fd), SystemClock()), log, figures).run()
        except Error as error:
            log.error("worker_ended", error=error)
            return error.exit_code
        except Exception as error:  # noqa: BLE001 - the one place where an error nobody expected ends
            log.failure("worker_failed", error)
            return EXIT_BUG
        finally:
            alarms.finish()
    return EXIT_BUG if broken else EXIT_OK


def end_with_threads(stop: Stop, log: Logger) -> list[BaseException]:
    """Let an error that nobody expected in a thread end the process as well, so that it shows; those that came."""
    found: list[BaseException] = []

    def end(ended: threading.ExceptHookArgs) -> None:
        if ended.exc_value is not None:
            log.failure("worker_failed", ended.exc_value)
            found.append(ended.exc_value)
            stop.set()

    threading.excepthook = end
    return found


def secrets_of(settings: notify_settings.NotifySettings) -> list[str]:
    """Whatever must not be in a line of the log: the targets as a whole, and each part of their addresses.

    The services of Apprise have tokens also where other addresses have the name of a host.
    """
    found = [password_of(settings.database_url.reveal())]
    for target in settings.targets:
        url = target.url.reveal()
        parts = _BETWEEN.split(url.partition("://")[2])
        found += [url, target.secret.reveal(), *target.command[1:], *parts, *map(unquote, parts)]
    return [one for one in found if len(one) >= _SHORTEST]


if __name__ == "__main__":
    sys.exit(main())

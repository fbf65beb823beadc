"""Hands one message to one target: a signed POST, a program of the user's, or a service that Apprise knows.

What a target answers may repeat its address, which is a secret. So only words of ours say why it did not accept.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, assert_never

import requests

from tasks.errors import NotDelivered
from tasks.notify import signature

if TYPE_CHECKING:
    from tasks.notify.message import Message
    from tasks.rule_settings import TargetSettings

_TIMES_S: Final = (10, 30)  # to connect, and of silence
COMMAND_S: Final = 60
_OK: Final = range(200, 300)
_STATUS: Final = re.compile(r"error=([0-9]{3})\b")


def deliver(target: TargetSettings, message: Message) -> None:
    """Hand the message over; returns when the target has accepted it.

    Raises:
        NotDelivered: it has not.
    """
    match target.way:
        case "webhook":
            _post(target, message)
        case "command":
            _run(target, message)
        case "apprise":
            _apprise(target, message)
        case _:
            assert_never(target.way)


def _post(target: TargetSettings, message: Message) -> None:
    body = message.json()
    at_s = int(datetime.now(UTC).timestamp())
    headers = {"content-type": "application/json", **signature.headers(message.id, at_s, body, target.secret)}
    try:
        reply = requests.post(
            target.url.reveal(), data=body, headers=headers, timeout=_TIMES_S, allow_redirects=False, stream=True
        )
        reply.close()
    except requests.exceptions.SSLError:
        raise NotDelivered("the server's certificate cannot be trusted") from None
    except requests.exceptions.Timeout:
        raise NotDelivered("no answer in time") from None
    except requests.exceptions.ConnectionError:
        raise NotDelivered("no connection") from None
    except (requests.exceptions.RequestException, UnicodeError, ValueError):
        raise NotDelivered("its url cannot be used; correct it in targets.toml") from None
    except OSError:  # of requests itself, whose own errors are above
        raise NotDelivered("the certificates that REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE name cannot be read") from None
    if reply.status_code not in _OK:
        raise NotDelivered(f"it answered with HTTP status {reply.status_code}, and 200 to 299 was expected")


def _run(target: TargetSettings, message: Message) -> None:
    try:
        process = subprocess.Popen(  # noqa: S603 - the user's own program, as the user wrote it, without a shell
            target.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        why = (isinstance(error, OSError) and error.strerror) or "its name cannot be used"
        raise NotDelivered(f"the command cannot be started ({why}); correct it in targets.toml") from None
    try:
        process.communicate(message.json(), timeout=COMMAND_S)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise NotDelivered(f"the command did not end within {COMMAND_S} s and was killed") from None
    if process.returncode < 0:
        raise NotDelivered(f"the command was killed by signal {-process.returncode}")
    if process.returncode > 0:
        raise NotDelivered(f"the command ended with exit code {process.returncode}, and 0 was expected")


class _Statuses(logging.Handler):
    """Keeps the last HTTP status that Apprise reports, and nothing else of what it says."""

    status: str | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Take it out of a line."""
        found = _STATUS.search(record.getMessage())
        if found is not None:
            self.status = found[1]


def _apprise(target: TargetSettings, message: Message) -> None:
    import apprise

    asset = apprise.AppriseAsset(app_id="Sluicegate", app_desc="Sluicegate", async_mode=False, secure_logging=True)
    service = apprise.Apprise.instantiate(target.url.reveal(), asset=asset, suppress_exceptions=True)
    if service is None:
        raise NotDelivered("Apprise cannot use its url; `sluicegate notify check` says more")
    log, statuses = logging.getLogger("apprise"), _Statuses()
    log.propagate = False  # its lines may repeat the url
    log.addHandler(statuses)
    try:
        is_sent = service.notify(body=message.text(), title=message.subject(), body_format=apprise.NotifyFormat.TEXT)
    except TypeError:  # what Apprise raises for a message that a service cannot carry at all
        is_sent = False
    finally:
        log.removeHandler(statuses)
    if not is_sent:
        status = "" if statuses.status is None else f", HTTP status {statuses.status}"
        raise NotDelivered(f"the service did not accept it{status}")

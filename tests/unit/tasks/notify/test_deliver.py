"""What keeps a message from being handed over is told in words of ours."""

import pytest

from tasks.errors import NotDelivered
from tasks.notify.deliver import deliver
from tasks.notify.message import Message, TrialNotice
from tasks.rule_settings import TargetSettings
from tasks.secret import Secret


def test_certificates_that_are_not_there_are_no_bug(monkeypatch, tmp_path):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    target = TargetSettings(name="shop", way="webhook", url=Secret("https://127.0.0.1:1/hook"))
    message = Message(id="1", rule="r", made_at="2026-03-01T12:00:00Z", notices=(TrialNotice(),))
    with pytest.raises(NotDelivered, match="certificates"):
        deliver(target, message)

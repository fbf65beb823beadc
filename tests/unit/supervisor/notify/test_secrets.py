"""What the log of the process that sends messages must not show."""

import pytest

from supervisor.config.notify_settings import NotifySettings
from supervisor.notify.__main__ import secrets_of
from tasks.redaction import Redactor
from tasks.rule_settings import TargetSettings
from tasks.secret import Secret


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("tgram://123456789:s3cr3t-t0k3n/-100200300", "s3cr3t-t0k3n"),
        ("discord://s3cr3t-t0k3n/another-t0k3n", "s3cr3t-t0k3n"),
        ("mailto://me:s3cr3t%2Ft0k3n@mail.example/?to=you", "s3cr3t/t0k3n"),
        ("https://hooks.example/services/s3cr3t-t0k3n?key=another-t0k3n#s", "another-t0k3n"),
    ],
)
def test_no_part_of_an_address_is_shown_wherever_it_stands_in_it(url, said):
    settings = NotifySettings(
        state_dir="", host="", database_url=Secret("postgresql://u:passw0rd@h/d"), rules=(), domains=(), selections=(),
        targets=(TargetSettings(name="phone", way="apprise", url=Secret(url)),),
    )  # fmt: skip
    shown = Redactor(secrets_of(settings)).clean(f"no host {said!r}, {url}, passw0rd: target=phone")
    assert said not in shown
    assert url not in shown
    assert "passw0rd" not in shown
    assert "target=phone" in shown

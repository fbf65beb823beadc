"""An order that cannot be sent says that nothing was changed, and every fault of the settings at once."""

from __future__ import annotations

import argparse

import pytest

from supervisor.config.state_dir.state_dir import StateDir
from supervisor.control import protocol
from supervisor.control.send_order import deliver, send_order
from tasks.errors import ConfigError

LINES = ["STATE_DIR in words", "\x00STATE_DIR", "STATE_DIR=a\x7fb"]


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("order", [{"name": "reload"}, {"name": "pause", "role": "upsert"}])
def test_whoever_cannot_be_told_where_the_supervisor_is_is_told_every_fault(tmp_path, monkeypatch, line, order):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(f"{line}\nBACKFILL_FLOOR=abc\n")
    with pytest.raises(ConfigError) as caught:
        send_order(argparse.Namespace(**order))
    first, *faults = str(caught.value).splitlines()
    assert first == "nothing was changed: the configuration has 2 faults:"
    assert "BACKFILL_FLOOR (from .env): 'abc' cannot be used" in faults[1]


def test_an_order_that_no_supervisor_has_taken_is_told_from_one_without_an_answer_yet(tmp_path):
    state = StateDir(tmp_path)
    state.make()
    answer = deliver(state, protocol.Reload(by="somebody"))
    assert isinstance(answer, protocol.NotGiven)
    assert answer.words.startswith("the supervisor takes no orders")
    assert not isinstance(protocol.read_answer(b'{"code":75,"words":"is drained"}'), protocol.NotGiven)

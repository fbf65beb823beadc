"""What a state directory is called among those of all hosts."""

import pytest

from supervisor.config.state_dir.state_dir import StateDir
from tasks.errors import ConfigError


def test_it_has_a_name_that_stays_and_no_other_has(tmp_path):
    one, another = (StateDir(tmp_path / name) for name in ("one", "another"))
    assert one.host() == ""
    for state in (one, another, one):
        state.make()
    assert one.host() == one.host_id.read_text()[:8]
    assert len(one.host()) == 8
    assert one.host() != another.host()


def test_a_directory_without_a_name_that_can_be_read_has_none_and_is_not_used(tmp_path):
    state = StateDir(tmp_path)
    state.host_id.write_text("../up")
    assert state.host() == ""
    with pytest.raises(ConfigError, match="damaged"):
        state.make()
    assert state.host_id.read_text() == "../up"

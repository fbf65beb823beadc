"""What a person paused is kept in a file, and no start goes by one that cannot be read."""

import pytest

from supervisor.config.state_dir import paused_roles
from tasks.errors import ConfigError


def test_what_is_paused_is_kept_and_what_cannot_be_read_stops_a_start(tmp_path):
    path = tmp_path / "paused.json"
    assert paused_roles.read(path) == frozenset()
    paused_roles.write(path, {"backfill"})
    assert paused_roles.read(path) == {"backfill"}
    path.write_text("not json")
    with pytest.raises(ConfigError, match="delete it to start all"):
        paused_roles.read(path)
    paused_roles.write(path, ())
    assert not path.exists()


def test_bytes_that_are_no_text_are_no_pauses(tmp_path):
    path = tmp_path / "paused.json"
    path.write_bytes(b'["\xff"]')
    with pytest.raises(ConfigError, match="does not tell what is paused"):
        paused_roles.read(path)


def test_a_pause_is_on_the_disk_before_it_counts_and_its_new_name_too(tmp_path, synced):
    paused_roles.write(tmp_path / "paused.json", {"upsert"})
    assert synced == [("paused.json.new", len('["upsert"]\n'), []), (tmp_path.name, None, ["paused.json"])]

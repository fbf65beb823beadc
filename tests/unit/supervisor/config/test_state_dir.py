"""What a state directory is called among those of all hosts."""

from supervisor.config.state_dir import StateDir


def test_it_has_a_name_that_stays_and_no_other_has(tmp_path):
    one, another = (StateDir(tmp_path / name) for name in ("one", "another"))
    assert one.host() == ""
    for state in (one, another, one):
        state.make()
    assert one.host() == one.host_id.read_text()[:8]
    assert len(one.host()) == 8
    assert one.host() != another.host()


def test_a_name_that_cannot_be_part_of_a_name_of_a_file_is_left_as_it_is_and_not_used(tmp_path):
    state = StateDir(tmp_path)
    state.host_id.write_text("../up")
    state.make()
    assert (state.host(), state.host_id.read_text()) == ("", "../up")

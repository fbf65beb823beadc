"""What a change of settings means for a run that goes on."""

from supervisor.config import changes
from supervisor.config.options import BY_NAME, OPTIONS
from supervisor.config.settings import load_settings
from tasks.settings import JobSettings


def settings(**environ):
    return load_settings(environ, dotenv=None)


def test_line_36_what_cannot_change_is_named_and_left_and_the_rest_is_followed():
    old = settings(KEEPA_API_KEY="secret".ljust(64, "1"), STATE_DIR="/one")
    new = settings(KEEPA_API_KEY="secret".ljust(64, "2"), STATE_DIR="/two", BACKFILL_FLOOR="200", UPSERT_DETAIL="none")
    change = changes.between(old, new)
    assert change.left == ("KEEPA_API_KEY", "STATE_DIR")
    assert change.followed == ("UPSERT_DETAIL stats -> none", "BACKFILL_FLOOR 150 -> 200")
    assert change.roles == {"upsert"}
    assert change.settings.keepa_api_key == old.keepa_api_key
    assert change.settings.state_dir == old.state_dir
    assert change.settings.backfill_floor == 200
    assert "secret" not in change.words
    assert "need a new start" in change.words


def test_nothing_that_differs_is_nothing_to_do():
    change = changes.between(settings(), settings())
    assert (change.followed, change.left, change.roles) == ((), (), set())
    assert change.words == "nothing changed"


def test_other_contents_of_the_same_selection_files_are_a_change(tmp_path):
    (tmp_path / "one.json").write_text('{"priceTypes": [1], "dateRange": 0}')
    old = settings(SELECTIONS=str(tmp_path))
    (tmp_path / "one.json").write_text('{"priceTypes": [1], "dateRange": 1}')
    change = changes.between(old, settings(SELECTIONS=str(tmp_path)))
    assert change.followed == ("SELECTIONS: other contents",)
    assert change.roles == {"upsert", "backfill"}


def test_a_change_of_what_workers_read_replaces_workers_and_no_other_change_does():
    """Save for those that say which account and which database: a run is about them."""
    read = set(JobSettings.__struct_fields__) | {"selections", "watch", "watch_detail", "watch_refresh"}
    replacing = {option.field for option in OPTIONS if option.replaces}
    assert replacing == read
    assert {role for option in OPTIONS for role in option.replaces or ()} == {"upsert", "backfill"}
    assert [BY_NAME[name].replaces for name in ("KEEPA_API_KEY", "KEEPA_BASE_URL", "DATABASE_URL")] == [None] * 3

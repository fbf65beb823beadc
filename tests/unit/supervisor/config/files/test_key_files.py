"""The files of several keys: what each holds, all faults at once, and no word of a key."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from supervisor.config import changes, readable, run_plan, untold
from supervisor.config.setting_texts import read_texts
from supervisor.config.settings import UnusableSettings, load_settings, secrets
from tasks.errors import ConfigError
from tests.fixtures.jobs import QUERY

HERE = {"KEEPA_BASE_URL": "http://127.0.0.1:1"}
KEYS = {name: f"zq{name}".ljust(64, "7") for name in "abc"}


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "keys"
    made.mkdir()
    return made


@pytest.fixture
def write(folder):
    def write(name, *lines, key=None, mode=0o600):
        path = folder / f"{name}.env"
        path.write_text("\n".join([f"KEEPA_API_KEY={KEYS[name] if key is None else key}", *lines]))
        path.chmod(mode)
        return path

    return write


@pytest.fixture
def load(folder):
    return lambda **more: load_settings({"KEYS": str(folder), **HERE, **more}, dotenv=None)


def selections(tmp_path, name, **changes_of_it):
    made = tmp_path / name
    made.mkdir()
    (made / f"{name}.json").write_text(str(QUERY | changes_of_it).replace("'", '"').replace("True", "true").replace(
        "False", "false"
    ))  # fmt: skip
    return made


def test_each_key_has_what_its_file_says_and_else_what_the_settings_say(write, load, tmp_path):
    write("b", "BACKFILL_FLOOR=7", "BACKFILL_SHARE=0.4", f"SELECTIONS={selections(tmp_path, 'mine', dateRange=2)}")
    write("a", "POOL=")
    found = load(UPSERT_FLOOR="3")
    first, second = found.loaded_keys
    assert (first.name, first.backfill_floor, first.upsert_floor, first.backfill_share) == ("a", 150, 3, 0.2)
    assert (second.name, second.backfill_floor, second.upsert_floor, second.backfill_share) == ("b", 7, 3, 0.4)
    assert [one.name for one in first.selections] == ["default"]
    assert [one.name for one in second.selections] == ["mine"]
    assert [one.name for one in found.loaded_selections] == ["default", "mine"]


def test_the_plan_of_each_key_has_its_own_key_ledger_account_and_tiers(write, load):
    write("a", "BACKFILL_FLOOR=7", "UPSERT_FLOOR=0")
    write("b")
    plan = run_plan.make_run_plan(load())
    assert (plan.keys, plan.key) == (("a", "b"), "a")
    one, other = plan.of_key("a"), plan.of_key("b")
    assert (one.api_key.reveal(), other.api_key.reveal()) == (KEYS["a"], KEYS["b"])
    assert (one.ledger_path.name, other.ledger_path.name) == ("ledger-a", "ledger-b")
    assert one.account("") != other.account("")
    assert [tier.floor for tier in one.tiers()][1:] == [0, 7]
    assert [tier.floor for tier in other.tiers()][1:] == [50, 150]
    told = plan.worker_settings(HERE["KEEPA_BASE_URL"], plan.settings.database_url, "spool")
    assert [key.name for key in told.keys] == ["a", "b"]
    assert [len(key.selections) for key in told.keys] == [1, 0], "what both would list is listed by the first"
    with pytest.raises(ConfigError, match="no key is called 'c'; there are: a, b"):
        plan.of_key("c")


def test_a_file_called_default_goes_on_with_the_ledger_of_the_only_key(folder, load):
    path = folder / "default.env"
    path.write_text(f"KEEPA_API_KEY={KEYS['a']}")
    path.chmod(0o600)
    assert run_plan.make_run_plan(load()).ledger_path.name == "ledger"


def test_all_faults_of_all_files_are_told_at_once_and_nothing_of_a_key(write, load, folder):
    write("a", mode=0o640)
    write("b", "UPSERT_SHARE=0.9", "BACKFILL_SHARE=0.9", "FLOOR=3", "POOL=North Pole")
    write("c", "UPSERT_FLOOR=many", key=KEYS["a"])
    (folder / "Big Client.env").write_text("POOL=a")
    with pytest.raises(ConfigError) as caught:
        load(KEEPA_API_KEY=KEYS["b"])
    words = str(caught.value)
    for expected in (
        "KEEPA_API_KEY and KEYS are both set", "a.env can be read by others (mode 0640): `chmod 600",
        "c.env: UPSERT_FLOOR", "FLOOR: the file of a key has", "POOL cannot be used",
        "Big Client.env: the name of a key has", "has no KEEPA_API_KEY",
    ):  # fmt: skip
        assert expected in words
    assert not any(key[:20] in words for key in KEYS.values())


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (("UPSERT_SHARE=0.9", "BACKFILL_SHARE=0.9"), "UPSERT_SHARE and BACKFILL_SHARE are 1 or more together"),
        (("UPSERT_FLOOR=9", "BACKFILL_FLOOR=7"), "UPSERT_FLOOR is above BACKFILL_FLOOR"),
        (("SELECTIONS=nowhere",), "b.env: SELECTIONS: nowhere"),
    ],
)
def test_what_a_key_has_for_itself_is_checked_like_the_settings(write, load, lines, words):
    write("b", *lines)
    with pytest.raises(ConfigError, match=words):
        load()


def test_two_files_with_one_key_are_a_fault(write, load):
    write("a")
    write("b", key=KEYS["a"])
    with pytest.raises(ConfigError, match="b and a are the same key; remove one of the files"):
        load()


def test_a_key_with_another_fault_is_told_all_of_them(write, load):
    write("a", "UPSERT_FLOOR=much")
    write("b", "UPSERT_SHARE=0.9", "BACKFILL_SHARE=0.9", "POOL=No Pool", "OTHER=1", key=KEYS["a"])
    with pytest.raises(ConfigError) as caught:
        load()
    words = ["a.env: UPSERT_FLOOR", "b and a are the same key", "1 or more together", "POOL cannot", "OTHER: the file"]
    assert [one for one in words if one not in str(caught.value)] == []


def test_a_selection_cannot_be_in_two_pools(write, load):
    write("a", "POOL=north")
    write("b", "POOL=south")
    with pytest.raises(ConfigError, match="default is in the pools of a and b, and only one of them can pay for it"):
        load()


def test_two_selections_of_one_name_are_a_fault(write, load, tmp_path):
    (tmp_path / "other").mkdir()
    here = [selections(tmp_path / place, "mine", dateRange=at) for at, place in enumerate((".", "other"), start=1)]
    write("a", f"SELECTIONS={here[0]}")
    write("b", f"SELECTIONS={here[1]}")
    with pytest.raises(ConfigError, match="a and b have different selections called mine; rename one"):
        load()


@pytest.mark.parametrize("where", ["", "file"])
def test_a_folder_without_keys_is_a_fault(folder, where):
    (folder / "file").write_text("")
    with pytest.raises(ConfigError, match=r"has no \*\.env file|is not a folder"):
        load_settings({"KEYS": str(folder / where), **HERE}, dotenv=None)


def test_floors_are_followed_at_once_and_another_key_needs_a_new_start(write, load):
    write("a")
    old = load()
    write("a", "BACKFILL_SHARE=0.3")
    change = changes.between(old, load())
    assert (change.followed, change.left, change.roles) == (("KEYS: other floors or shares",), (), frozenset())
    assert change.settings.loaded_keys[0].backfill_share == 0.3
    write("a", "POOL=north")
    change = changes.between(old, load())
    assert (change.followed, change.roles) == (("KEYS: other contents",), {"upsert", "backfill"})
    write("b", "POOL=north")
    change = changes.between(old, load())
    assert (change.followed, change.left) == ((), ("KEYS",))
    assert [key.name for key in change.settings.loaded_keys] == ["a"]


def test_every_key_is_among_the_secrets_though_the_files_have_faults(write, folder, monkeypatch):
    write("a", "FLOOR=1", mode=0o644)
    monkeypatch.setenv("KEYS", str(folder))
    assert KEYS["a"] in secrets().values()


BAD = {
    "a line that is none": lambda path: path.write_text(f"KEEPA_API_KEY {KEYS['a']}\n"),
    "no key": lambda path: path.write_text("POOL=x\n"),
    "a floor that is none": lambda path: path.write_text(path.read_text() + "\nUPSERT_FLOOR=many\n"),
    "another setting": lambda path: path.write_text(path.read_text() + "\nHANG_S=3\n"),
    "a selection that is none": lambda path: path.write_text(path.read_text() + "\nSELECTIONS=nowhere\n"),
    "a file for everybody": lambda path: path.chmod(0o644),
    "bytes that are no text": lambda path: path.write_bytes(b"\xff\xfe"),
    "a name that is none": lambda path: path.rename(path.with_name(f"{path.stem} 2.env")),
}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(sorted(KEYS)), st.sampled_from([None, *BAD]), min_size=1))
def test_who_only_reads_has_the_other_keys_and_is_told_of_the_bad_files(folder, write, kinds):
    for path in folder.iterdir():
        path.unlink()
    for name, kind in kinds.items():
        path = write(name)
        if kind is not None:
            BAD[kind](path)
    good, told = sorted(name for name, kind in kinds.items() if kind is None), []
    texts = read_texts({"KEYS": str(folder), **HERE}, dotenv=None)
    found = readable.readable(texts)
    if not good:
        with pytest.raises(UnusableSettings):
            found.keepa_api_key  # noqa: B018 - else it would be a run of the simulator, which has another database
        return
    assert [key.name for key in found.loaded_keys] == good
    assert run_plan.make_run_plan(found).keys == tuple(good)
    assert [one.name for one in found.loaded_selections] == ["default"]
    untold.tell(told.append)
    bad = [name for name, kind in kinds.items() if kind is not None]
    assert all(any(f"{folder}/{name}" in line for line in told) for name in bad)
    assert bool(told) == bool(bad)
    assert not any(key[:20] in line for key in KEYS.values() for line in told)
    if bad:
        with pytest.raises(UnusableSettings, match=r"KEYS: "):  # as no run starts, nothing is deleted by a part
            readable.require_whole(found, "loaded_selections")
        with pytest.raises(UnusableSettings, match=r"KEYS: "):
            load_settings({"KEYS": str(folder), **HERE}, dotenv=None)

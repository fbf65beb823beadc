"""Any keys with any selections and pools: who lists what, who pays for whom, and what a reload takes over."""

import contextlib
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from supervisor.config import changes, run_plan
from supervisor.config.settings import load_settings
from tasks import settings as worker_settings
from tasks.errors import ConfigError
from tasks.planning.streams import pool_streams, streams_of
from tests.fixtures.server import WIDE

SERVER = "http://127.0.0.1:1"
NAMES = ("a", "b", "c", "d")
SELECTIONS = ("one", "two", "three")
POOLS = ("", "north", "south")
# Of each key: the selections that it names, its pool, and which text it has; each lists something of its own.
KEY = st.tuples(st.sets(st.sampled_from(SELECTIONS)), st.sampled_from(POOLS), st.sampled_from(["7", "8"]))
KEYS = st.dictionaries(st.sampled_from(NAMES), KEY, min_size=1)


@contextlib.contextmanager
def written(keys, folder=None):
    """A folder with the files of these keys."""
    with contextlib.ExitStack() as stack:
        folder = Path(folder or stack.enter_context(tempfile.TemporaryDirectory()))
        kept = folder / "keys"
        kept.mkdir(exist_ok=True)
        for path in kept.iterdir():
            path.unlink()
        for number, name in enumerate((*SELECTIONS, *NAMES)):
            (folder / f"{name}.json").write_text(json.dumps(WIDE | {"dateRange": 1, "deltaRange": [number, 10**6]}))
        for name, (selections, pool, text) in keys.items():
            path = kept / f"{name}.env"
            path.touch(mode=0o600)
            listed = ",".join(str(folder / f"{one}.json") for one in (*sorted(selections), name))
            path.write_text(f"KEEPA_API_KEY={f'zq{name}'.ljust(64, text)}\nPOOL={pool}\nSELECTIONS={listed}\n")
        yield folder


def load(folder):
    return load_settings({"KEYS": str(folder / "keys"), "KEEPA_BASE_URL": SERVER}, dotenv=None)


def conflicting(keys):
    """The selections that keys of several pools name."""
    return [one for one in SELECTIONS if len({pool for listed, pool, _ in keys.values() if one in listed}) > 1]


@settings(deadline=None, max_examples=40)
@given(KEYS)
def test_the_first_key_that_names_a_selection_lists_it_and_its_pool_pays_for_it(keys):
    with written(keys) as folder:
        if conflicts := conflicting(keys):
            with pytest.raises(ConfigError) as caught:
                load(folder)
            assert all(f"{one} is in the pools of" in str(caught.value) for one in conflicts)
            return
        plan = run_plan.make_run_plan(load(folder))
    told = plan.worker_settings(SERVER, plan.settings.database_url, "spool")
    each = dict(zip(sorted(keys), worker_settings.of_each_key(told), strict=True))
    first = {one: min((name for name in keys if one in keys[name][0]), default=None) for one in SELECTIONS}
    for name, own in each.items():
        assert {one.name for one in own.selections} == {one for one in SELECTIONS if first[one] == name} | {name}
    listed = {name: {stream.key for stream in streams_of(own)} for name, own in each.items()}
    for name, own in each.items():
        mates = [other for other in keys if keys[other][1] == keys[name][1]]
        assert set(pool_streams(own).keys) == set().union(*(listed[mate] for mate in mates))
    everything = [key for streams in listed.values() for key in streams]
    assert len(everything) == len(set(everything)), "nothing is listed, and paid for, with two keys"


@settings(deadline=None, max_examples=40)
@given(KEYS, KEYS)
def test_a_reload_follows_other_pools_and_selections_and_leaves_other_keys_to_a_new_start(before, after):
    assume(not conflicting(before) and not conflicting(after))
    with written(before) as folder:
        old = load(folder)
        with written(after, folder):
            new = load(folder)
    change = changes.between(old, new)
    texts = [{name: text for name, (_, _, text) in keys.items()} for keys in (before, after)]
    if texts[0] != texts[1]:
        assert change.left == ("KEYS",)
        assert change.settings.loaded_keys == old.loaded_keys, "calls that are under way go on with the keys they have"
    else:
        assert change.left == ()
        assert change.settings.loaded_keys == new.loaded_keys
        assert bool(change.followed) == (old.loaded_keys != new.loaded_keys)
